// Proves a binding with a connection of its own, once after each change; never in `read`.

import { randomUUID } from "node:crypto";
import { certificates } from "../mqtt/pem";
import { checkPair } from "../mqtt/prepare";
import { shown } from "../printable";
import { readLeaf } from "../x509/leaf";
import { UserError, faultOf } from "../userError";
import { type CheckResult, firstKey, runCheck } from "./checkRun";
import { rollBack } from "./rollback";
import { type Reconciler, Unfinished, isUnknown, sameJson, toState } from "./reconciler";
import type { ServerOf } from "./server";

export interface PublishCheckInputs {
    readonly deviceId: string;
    readonly deviceName?: string;
    readonly mode: "publish" | "connect" | "observe";
    readonly certificatePem?: string;
    /** Never in outputs: state holds it once, as the (secret) input. */
    readonly privateKeyPem?: string;
    readonly bindingRevision?: number;
    readonly boundAt?: number;
    readonly credentialsId?: string;
    readonly topic?: string;
    readonly payload?: string;
    readonly verifyStored: "required" | "warn" | "off";
    readonly caPem?: string;
    readonly mqttVersion?: "auto" | "3.1.1" | "5";
    readonly timeout: number;
    readonly onFailure: "fail" | "warn";
    readonly rollback: boolean;
    /** The certificate that the binding under test has replaced. */
    readonly replacedCertificatePem?: string;
    readonly triggers?: readonly unknown[];
}

export type PublishCheckState = Omit<PublishCheckInputs, "privateKeyPem"> & CheckResult & { readonly stateVersion: 1 };

export function publishCheck(server: ServerOf, warn: (text: string) => void): Reconciler<PublishCheckInputs, PublishCheckState> {
    return {
        async check(_olds, news) {
            return { inputs: news, failures: checkFailures(news) };
        },

        async diff(_id, state, news) {
            const decisive = (inputs: Omit<PublishCheckInputs, "privateKeyPem">) => ({
                deviceId: inputs.deviceId,
                certificate: identity(inputs.certificatePem),
                bindingRevision: inputs.bindingRevision,
                mode: inputs.mode,
                topic: inputs.topic,
                payload: inputs.payload,
                verifyStored: inputs.verifyStored,
                caPem: inputs.caPem,
                mqttVersion: inputs.mqttVersion,
                timeout: inputs.timeout,
                onFailure: inputs.onFailure,
                triggers: inputs.triggers ?? [],
            });
            // The engine calls `update` after a refusal, but forgets it in a refresh: the state does not.
            if (state.outcome === "refused" && news.onFailure === "fail") return { changes: true };
            const wanted = decisive(news);
            return !isUnknown(wanted) && sameJson(decisive(state), wanted) ? { changes: false } : {};
        },

        async create(inputs) {
            const id = randomUUID();
            return { id, outs: await run(id, inputs, undefined) };
        },

        // What was proven then is still proven; whether the device works now is for the device to show.
        async read(id, state) {
            return state ? { id, props: state } : {};
        },

        async update(id, state, news) {
            return { outs: await run(id, news, state) };
        },

        async delete() {
            // A check leaves nothing behind.
        },
    };

    async function run(id: string, inputs: PublishCheckInputs, before: PublishCheckState | undefined): Promise<PublishCheckState> {
        const result = await goBack(asRequired(await runCheck(server(), inputs), inputs), inputs, before);
        const { privateKeyPem: _key, ...rest } = inputs;
        const state = toState<PublishCheckState>({ ...rest, ...result, stateVersion: 1 });
        if (result.warning !== undefined) warn(result.warning);
        if (result.outcome === "accepted") return state;
        if (inputs.onFailure === "warn") {
            warn(result.message);
            return state;
        }
        throw new Unfinished(id, rest, state, new UserError(result.message));
    }

    /** A device that was cut off by its renewal gets its previous certificate back, once: right after the new one was bound. */
    async function goBack(result: CheckResult, inputs: PublishCheckInputs, before: PublishCheckState | undefined): Promise<CheckResult> {
        const { rollback, replacedCertificatePem, credentialsId, deviceId } = inputs;
        const renewed = before !== undefined && before.bindingRevision !== inputs.bindingRevision;
        if (result.outcome === "accepted" || !rollback || !renewed || !judged.includes(result.stage)) return result;
        if (replacedCertificatePem === undefined || credentialsId === undefined) return result;
        const done = await rollBack(server().thingsboard.about(`device "${inputs.deviceName ?? deviceId}"`), { deviceId, from: credentialsId, toPem: replacedCertificatePem });
        if (done === "revoked") return { ...result, message: `${result.message}. Its previous certificate was revoked, and is not bound again` };
        if (done === "changed") return result;
        return { ...result, rolledBack: true, message: `${result.message}. Its previous certificate is bound again; mend the cause and run "pulumi up --refresh" to try the new one once more` };
    }
}

/** Where nothing could be looked for, nothing was found out. */
function asRequired(result: CheckResult, { verifyStored, mode }: PublishCheckInputs): CheckResult {
    if (verifyStored !== "required" || mode !== "publish" || result.outcome === "refused" || result.storedAt !== undefined) return result;
    return { ...result, outcome: "refused", cause: "not-stored", stage: "stored", message: `${result.message}, but ${cannotBeLookedFor}` };
}

const cannotBeLookedFor = 'verifyStored is "required", and what was published can\'t be looked for: publish a JSON object with a value, to the topic for telemetry, or set verifyStored: "warn"';

/** Refused at one of these, the certificate itself is in question; before them nothing is known of it, and after them it was accepted. */
const judged = ["tls-client", "connack"];

const identity = (pem: string | undefined): string | undefined => {
    try {
        return pem === undefined || isUnknown(pem) ? pem : readLeaf(pem).credentialsId;
    } catch (error) {
        if (error instanceof UserError) return pem;
        throw error;
    }
};

function checkFailures(news: PublishCheckInputs): { property: string; reason: string }[] {
    const failures: { property: string; reason: string }[] = [];
    const device = isUnknown(news.deviceName) || news.deviceName === undefined ? "publish check" : `publish check of device "${news.deviceName}"`;
    const fail = (property: string, reason: string) => failures.push({ property, reason: `${device}: ${reason}` });
    const oneOf = (property: "mode" | "verifyStored" | "onFailure" | "mqttVersion", values: readonly string[]) => {
        const value = news[property];
        if (value !== undefined && !isUnknown(value) && !values.includes(value)) fail(property, `${property} is ${shown(value)}: expected ${values.map(text => `"${text}"`).join(", ")}`);
    };
    oneOf("mode", ["publish", "connect", "observe"]);
    oneOf("verifyStored", ["required", "warn", "off"]);
    oneOf("onFailure", ["fail", "warn"]);
    oneOf("mqttVersion", ["auto", "3.1.1", "5"]);
    if (!isUnknown(news.timeout) && !(typeof news.timeout === "number" && news.timeout > 0 && news.timeout <= 600)) {
        fail("timeout", `timeout is ${shown(news.timeout)}: expected seconds, above 0 and at most 600`);
    }
    if (news.mode !== "observe" && !isUnknown(news.mode)) {
        if (news.privateKeyPem === undefined) fail("privateKeyPem", `mode "${news.mode}" connects as the device and needs its key: give certificate, or certificatePem and privateKeyPem, or use mode "observe"`);
        if (news.certificatePem !== undefined && news.privateKeyPem !== undefined && !isUnknown([news.certificatePem, news.privateKeyPem])) {
            const fault = faultOf(() => checkPair(news.certificatePem!, news.privateKeyPem!));
            if (fault !== undefined) fail("certificatePem", fault);
        }
        if (news.certificatePem === undefined) fail("certificatePem", `mode "${news.mode}" connects as the device and needs its certificate: give certificate or certificatePem`);
    }
    if (!isUnknown(news.topic) && news.topic !== undefined && (news.topic.trim() === "" || /[+#]/.test(news.topic))) {
        fail("topic", `topic is ${shown(news.topic)}: expected a topic to publish to, without wildcards`);
    }
    if (news.verifyStored === "required" && news.mode === "publish" && typeof news.payload === "string" && !isUnknown(news.payload) && firstKey(news.payload) === undefined) fail("payload", cannotBeLookedFor.replace("was published", "is to be published"));
    if (news.caPem !== undefined && !isUnknown(news.caPem)) {
        const fault = faultOf(() => certificates(news.caPem!, "caPem"));
        if (fault !== undefined) fail("caPem", fault);
    }
    return failures;
}
