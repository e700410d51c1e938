// Proves that devices can enrol under a profile: with a canary, once after each change; never in `read`.

import { randomUUID } from "node:crypto";
import type { dynamic } from "@pulumi/pulumi";
import { shown } from "../printable";
import { UserError } from "../userError";
import { deviceNameOf, patternFault } from "../x509/commonNamePattern";
import { type EnrolmentResult, runEnrolment } from "./enrolmentRun";
import { type Reconciler, Unfinished, isUnknown, sameJson, toState } from "./reconciler";
import type { ServerOf } from "./server";

export interface EnrolmentCheckInputs {
    readonly deviceProfileId: string;
    readonly profileName: string;
    /** As declared for the profile: a change of them is a reason to check again. */
    readonly commonNamePattern: string;
    readonly createDevices: boolean;
    readonly anchorPem: string;
    readonly commonName: string;
    readonly authorityPem: string;
    /** Above the authority; empty for a root. */
    readonly issuersPem: string;
    /** Never in outputs: state holds it once more, as the (secret) input. */
    readonly authorityKeyPem: string;
    readonly caPem?: string;
    readonly timeout: number;
    readonly onFailure: "fail" | "warn";
    readonly triggers?: readonly unknown[];
}

export type EnrolmentCheckState = Omit<EnrolmentCheckInputs, "authorityKeyPem"> & EnrolmentResult & { readonly stateVersion: 1 };

export function enrolmentCheck(server: ServerOf, warn: (text: string) => void, now: () => Date): Reconciler<EnrolmentCheckInputs, EnrolmentCheckState> {
    return {
        async check(_olds, news) {
            return { inputs: news, failures: enrolmentFailures(news) };
        },

        async diff(_id, state, news) {
            const { authorityKeyPem: _key, ...wanted } = news;
            const decisive = ({ deviceProfileId, commonNamePattern, createDevices, anchorPem, commonName, authorityPem, issuersPem, caPem, timeout, onFailure, triggers }: Omit<EnrolmentCheckInputs, "authorityKeyPem">) => ({
                deviceProfileId, commonNamePattern, createDevices, anchorPem, commonName, authorityPem, issuersPem, caPem, timeout, onFailure, triggers: triggers ?? [],
            });
            return !isUnknown(wanted) && sameJson(decisive(state), decisive(wanted)) ? { changes: false } : {};
        },

        async create(inputs) {
            const id = randomUUID();
            return { id, outs: await run(id, inputs) };
        },

        // What was proven then is still proven.
        async read(id, state) {
            return state ? { id, props: state } : {};
        },

        async update(id, _state, news) {
            return { outs: await run(id, news) };
        },

        async delete() {
            // The canary is gone already.
        },
    };

    async function run(id: string, inputs: EnrolmentCheckInputs): Promise<EnrolmentCheckState> {
        const result = await runEnrolment(server(), inputs, now);
        const { authorityKeyPem: _key, ...rest } = inputs;
        const state = toState<EnrolmentCheckState>({ ...rest, ...result, stateVersion: 1 });
        if (result.outcome === "accepted") return state;
        if (inputs.onFailure === "warn") {
            warn(result.message);
            return state;
        }
        throw new Unfinished(id, rest, state, new UserError(result.message));
    }
}

function enrolmentFailures(news: EnrolmentCheckInputs): dynamic.CheckFailure[] {
    const failures: dynamic.CheckFailure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason: `enrolment check of device profile "${isUnknown(news.profileName) ? "…" : news.profileName}": ${reason}` });
    const { commonName, commonNamePattern: pattern, timeout, onFailure, createDevices } = news;
    if (!isUnknown(commonName)) {
        if (typeof commonName !== "string" || commonName.trim() === "" || [...commonName].length > 64) fail("commonName", `commonName is ${shown(commonName)}: expected 1 to 64 characters (RFC 5280)`);
        else if (!isUnknown(pattern) && patternFault(pattern) === undefined && deviceNameOf(pattern, commonName) === undefined) {
            fail("commonName", `commonName "${commonName}" does not fit the profile's pattern ${pattern}: choose one that does`);
        }
    }
    if (createDevices === false) fail("createDevices", "the profile creates no devices (createDevices: false), so no canary can enrol: use PublishCheck with a device that it knows");
    if (!isUnknown(timeout) && !(typeof timeout === "number" && timeout > 0 && timeout <= 600)) fail("timeout", `timeout is ${shown(timeout)}: expected seconds, above 0 and at most 600`);
    if (!isUnknown(onFailure) && !["fail", "warn"].includes(onFailure)) fail("onFailure", `onFailure is ${shown(onFailure)}: expected "fail" or "warn"`);
    return failures;
}
