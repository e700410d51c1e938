// A device's row of credentials: what is in it, in words and as input, and what revokes it.

import { randomBytes } from "node:crypto";
import type { Device, DeviceCredentials } from "../thingsboard/model";
import type { ThingsBoard } from "../thingsboard";
import { UserError } from "../userError";
import { readLeaf, toPem } from "../x509/leaf";
import { serverTime } from "./serverTime";

/**
 * What the server holds, in the place of the input that declared it: the engine compares inputs with inputs, so drift
 * that showed in outputs alone would be seen by `refresh` and mended by nobody.
 */
export function boundCertificate(row: DeviceCredentials, state: { readonly certificatePem: string }): string {
    if (row.credentialsType !== "X509_CERTIFICATE") return `(${row.credentialsType})`;
    return identity(state.certificatePem) === row.credentialsId ? state.certificatePem : toPem(row.credentialsValue ?? "");
}

/** For the reader of a preview, who should not have to compare PEM blocks. */
export function describeRow(row: DeviceCredentials): string {
    if (row.credentialsType === "ACCESS_TOKEN") return "an access token";
    if (row.credentialsType !== "X509_CERTIFICATE") return others[row.credentialsType]();
    try {
        const { subject, fingerprint, notAfter } = readLeaf(toPem(row.credentialsValue ?? ""));
        return `the certificate ${JSON.stringify(subject)} (SHA-256 ${fingerprint}, expires ${notAfter.toISOString()})`;
    } catch (error) {
        if (error instanceof UserError) return "X.509 credentials that hold no certificate";
        throw error;
    }
}

/** Tells certificates apart. After a drift, old state and (in `refresh`) even the "new" inputs hold whatever was found. */
export function identity(certificatePem: string): string {
    try {
        return readLeaf(certificatePem).credentialsId;
    } catch (error) {
        if (error instanceof UserError) return certificatePem;
        throw error;
    }
}

/** ThingsBoard can't delete a credential. The value is sent as null, or the certificate's text would stay in the row. */
export function freshToken(row: DeviceCredentials): DeviceCredentials {
    return { ...row, credentialsType: "ACCESS_TOKEN", credentialsId: randomBytes(15).toString("base64url"), credentialsValue: null };
}

/** What the row holds that somebody may be using; undefined for the token that a new device starts with. */
export async function heldByOthers(thingsboard: ThingsBoard, device: Device, row: DeviceCredentials): Promise<string | undefined> {
    return row.credentialsType === "ACCESS_TOKEN" ? connectedToken(thingsboard, device) : others[row.credentialsType](row);
}

/** A token that no device ever used is the guide's own case: a device was added by hand, and its certificate comes now. */
async function connectedToken(thingsboard: ThingsBoard, device: Device): Promise<string | undefined> {
    const time = serverTime(await thingsboard.attributes(device.id.id, "SERVER_SCOPE", ["lastConnectTime"]), "lastConnectTime");
    return time > 0 ? `an access token with which it last connected on ${new Date(time).toISOString()}` : undefined;
}

const others = {
    X509_CERTIFICATE: (row: DeviceCredentials) => `another certificate (credentialsId ${row.credentialsId})`,
    MQTT_BASIC: () => "MQTT basic credentials (client id, user name, password)",
    LWM2M_CREDENTIALS: () => "LwM2M credentials",
} satisfies Record<Exclude<DeviceCredentials["credentialsType"], "ACCESS_TOKEN">, (row: DeviceCredentials) => string>;
