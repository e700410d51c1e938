// What this company asks of its devices' certificates. Each rule says what to do about a violation.

import { PolicyPack } from "@pulumi/policy";
import { checked } from "./checked";
import { keySize } from "./keySize";
import { noKeyInState } from "./noKeyInState";
import { validity } from "./validity";

new PolicyPack("thingsboard", { policies: [keySize, validity, checked, noKeyInState] });
