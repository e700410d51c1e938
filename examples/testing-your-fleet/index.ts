// The program that is deployed; what it is made of is in fleet.ts, where tests can call it.

import * as pulumi from "@pulumi/pulumi";
import { pump } from "./fleet";

const site = new pulumi.Config().require("site");

export const pump1 = pump("pump-1", site);
export const pump2 = pump("pump-2", site);
