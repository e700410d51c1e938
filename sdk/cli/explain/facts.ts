// All that can be known of a device without its key: from ThingsBoard, from a file, from a stack's state, from the MQTT port.
import type { X509Certificate } from "node:crypto";
import { inspectServer, type Inspection, type Unreachable } from "../../mqtt/inspect";
import type { PresentedCertificate } from "../../mqtt/outcome";
import type { DiagnosisContext } from "../../mqtt/diagnosis";
import { diagnosisContext, profileOf } from "../../reconcilers/checkRun";
import { deviceNamed } from "../../reconcilers/deviceNamed";
import { type Mark, markOf } from "../../reconcilers/ownership";
import { type Revoked, revokedOf } from "../../reconcilers/revoked";
import type { Server } from "../../reconcilers/server";
import { serverTime } from "../../reconcilers/serverTime";
import { isApiError, type ThingsBoard } from "../../thingsboard";
import type { Attribute, Device, DeviceCredentials, DeviceProfile, Usage } from "../../thingsboard/model";
import { UserError } from "../../userError";
import { certificatesIn } from "../../x509/chain";
import { type Leaf, readLeaf, toPem } from "../../x509/leaf";
import { commonNamesOf } from "../../x509/names";
import { type Canary, presentCanary } from "../doctor/canary";
import { caFile } from "../frame/files";
import type { Held } from "./state";

export interface Facts {
    /** Name or id, as it was typed. */
    readonly asked: string;
    /** By the server's clock (ms). */
    readonly now: number;
    readonly clockSkewMs?: number;
    readonly device?: Device;
    readonly credential?: DeviceCredentials;
    /** What the credential holds, if that is one certificate. */
    readonly bound?: Leaf;
    /** What the device presents, and where that is known from. */
    readonly own?: { readonly leaf: Leaf; readonly presented: PresentedCertificate; readonly from: string; readonly chain: readonly X509Certificate[] };
    readonly profile?: DeviceProfile;
    readonly times: { readonly active?: boolean; readonly lastConnect?: number; readonly lastDisconnect?: number; readonly lastActivity?: number } | "unread";
    readonly revoked: Revoked | "unread";
    /** What ThingsBoard could not be asked, and what happened instead. */
    readonly unread: readonly { readonly what: string; readonly happened: string }[];
    readonly mark?: Mark;
    readonly usage?: Usage;
    readonly inState?: Held;
    /** Another device that has the certificate in question: on ThingsBoard, or in the stack's state. */
    readonly sharedWith?: { readonly name: string; readonly where: "ThingsBoard" | "state" };
    readonly context: DiagnosisContext;
    readonly mqtt: { readonly host: string; readonly port: number; readonly caPem?: string; readonly seen: Inspection | Unreachable; readonly canary?: Canary };
}

export interface Given {
    readonly certificateText?: string;
    readonly state?: readonly Held[];
    readonly cafile?: string;
    /** For one connection to the MQTT port. */
    readonly timeoutSeconds: number;
}

/** @throws UserError where ThingsBoard can't be asked */
export async function gather(asked: string, server: Server, { certificateText, state, cafile, timeoutSeconds }: Given): Promise<Facts> {
    const thingsboard = server.thingsboard.about(`device "${asked}"`);
    const inState = state?.find(({ deviceId, deviceName }) => deviceId === asked || deviceName === asked);
    const device = await find(thingsboard, asked, inState);
    const id = device?.id.id;
    const credential = id === undefined ? undefined : await thingsboard.credentials(id);
    const bound = credential && leafOf(credential);
    const own = certificateText === undefined ? inState && presentedOf(inState.certificatePem, `the state (${inState.by})`) : presentedOf(certificateText, "--cert");
    const unread: { what: string; happened: string }[] = [];
    const failed = (what: string) => (error: unknown) => {
        if (!isApiError(error)) throw error;
        if (error.kind !== "forbidden" && error.kind !== "unsupported") unread.push({ what, happened: error.what ?? error.message });
        return "unread" as const;
    };
    const profile = id === undefined ? undefined : await profileOf(thingsboard, id).catch(failed("the device profile"));
    const [attributes, revoked, usage] = await Promise.all([
        id === undefined ? undefined : thingsboard.attributes(id, "SERVER_SCOPE", ["active", "lastConnectTime", "lastDisconnectTime", "lastActivityTime"]).catch(failed("when it was last connected")),
        id === undefined ? {} : revokedOf(thingsboard, id).catch(failed("what was revoked")),
        thingsboard.usage().catch(failed("what the tenant uses")),
    ]);
    const caPem = cafile === undefined ? server.mqtt.caPem : caFile(cafile);
    const mqtt = { host: server.mqtt.host, port: server.mqtt.port, timeoutSeconds, ...(caPem === undefined ? {} : { caPem }) };
    const sharedWith = own && (await holderElsewhere(thingsboard, device, own, credential, state));
    const inputs = { deviceId: id ?? "", deviceName: device?.name ?? asked, ...(inState === undefined ? {} : { credentialsId: inState.credentialsId }) };
    const context = device ? await diagnosisContext(server, thingsboard, inputs, profile === "unread" ? undefined : profile, (own?.leaf ?? bound)?.credentialsId ?? "") : { deviceName: asked, restHost: server.restHost };
    const clockSkewMs = thingsboard.clockSkewMs();
    const mark = device && markOf(device);
    const seen = await inspectServer(mqtt);
    const canary = "refusal" in seen ? undefined : await presentCanary(seen, mqtt, server);
    return {
        asked,
        now: Date.now() + (clockSkewMs ?? 0),
        ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
        ...(device === undefined ? {} : { device }),
        ...(credential === undefined ? {} : { credential }),
        ...(bound === undefined ? {} : { bound }),
        ...(own === undefined ? {} : { own }),
        ...(profile === undefined || profile === "unread" ? {} : { profile }),
        times: attributes === "unread" ? attributes : timesOf(attributes ?? []),
        revoked,
        unread: unread.sort((one, other) => one.what.localeCompare(other.what, "en")),
        ...(mark === undefined ? {} : { mark }),
        ...(usage === undefined || usage === "unread" ? {} : { usage }),
        ...(inState === undefined ? {} : { inState }),
        ...(sharedWith === undefined ? {} : { sharedWith }),
        context: {
            ...context,
            ...(device ? { credential: credential ? { credentialsType: credential.credentialsType, credentialsId: credential.credentialsId } : null } : {}),
            ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
            ...(sharedWith?.where === "ThingsBoard" ? { boundTo: sharedWith.name } : {}),
        },
        mqtt: { ...mqtt, seen, ...(canary === undefined ? {} : { canary }) },
    };
}

function timesOf(attributes: readonly Attribute[]): Exclude<Facts["times"], "unread"> {
    const value = (name: string) => attributes.find(({ key }) => key === name)?.value;
    const time = (name: Parameters<typeof serverTime>[1]) => serverTime(attributes, name) || undefined;
    const [active, lastConnect, lastDisconnect, lastActivity] = [value("active"), time("lastConnectTime"), time("lastDisconnectTime"), time("lastActivityTime")];
    return {
        ...(typeof active === "boolean" ? { active } : {}),
        ...(lastConnect === undefined ? {} : { lastConnect }),
        ...(lastDisconnect === undefined ? {} : { lastDisconnect }),
        ...(lastActivity === undefined ? {} : { lastActivity }),
    };
}

/** One that was renamed on ThingsBoard is found by the id that the state has. */
async function find(thingsboard: ThingsBoard, asked: string, inState: Held | undefined): Promise<Device | undefined> {
    return (await deviceNamed(thingsboard, asked)) ?? (inState?.deviceId === undefined ? undefined : thingsboard.deviceById(inState.deviceId));
}

function leafOf({ credentialsType, credentialsValue }: DeviceCredentials): Leaf | undefined {
    if (credentialsType !== "X509_CERTIFICATE") return undefined;
    try {
        return readLeaf(toPem(credentialsValue ?? ""));
    } catch (error) {
        if (error instanceof UserError) return undefined;
        throw error;
    }
}

function presentedOf(text: string, from: string): NonNullable<Facts["own"]> {
    const chain = certificatesIn(text, from);
    const leaf = readLeaf(toPem(chain[0]!.raw.toString("base64")));
    const presented = { credentialsId: leaf.credentialsId, notBefore: leaf.notBefore.toISOString(), notAfter: leaf.notAfter.toISOString(), chainLength: chain.length };
    return { leaf, presented, from, chain };
}

/**
 * ThingsBoard can't be asked who holds a certificate. Likely holders are the device that the certificate is named after,
 * and whoever has it in the stack's state.
 */
async function holderElsewhere(thingsboard: ThingsBoard, device: Device | undefined, { leaf, chain }: NonNullable<Facts["own"]>, credential: DeviceCredentials | undefined, state: readonly Held[] | undefined): Promise<Facts["sharedWith"]> {
    const others = (state ?? []).filter(held => held.credentialsId === leaf.credentialsId && held.deviceId !== device?.id.id);
    const names = [...others.flatMap(({ deviceName }) => deviceName ?? []), ...commonNamesOf(chain[0]!)];
    if (credential?.credentialsId !== leaf.credentialsId) {
        for (const name of new Set(names)) {
            if (name === "" || name === device?.name) continue;
            const other = await mayFail(() => thingsboard.deviceByName(name));
            const row = other && (await mayFail(() => thingsboard.credentials(other.id.id)));
            if (row?.credentialsId === leaf.credentialsId) return { name, where: "ThingsBoard" };
        }
    }
    const [other] = others;
    return other?.deviceName === undefined ? undefined : { name: other.deviceName, where: "state" };
}

/** What can't be asked leaves the answer less exact, not missing. */
async function mayFail<Answer>(question: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
    try {
        return await question();
    } catch (error) {
        if (isApiError(error)) return undefined;
        throw error;
    }
}
