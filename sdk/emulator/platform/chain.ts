// The X.509 chain strategy: who may come with which chain, and what that makes of the devices.
// It is as trusting as the real one: neither basicConstraints nor the dates of the issuers are looked at.
import type { X509Certificate } from "node:crypto";
import type { DeviceProfile } from "./entities";
import { PlatformError } from "./errors";
import { sha3 } from "./ids";
import { isObject } from "./json";
import type { Platform } from "./platform";
import { accessToken, changedCredentials, writeCredentials } from "./credentials";
import { createDevice } from "./devices";
import { inTenant } from "./store";

/**
 * Called with the chain as it was received, leaf first, when the handshake ends: so before the dates of the leaf are
 * looked at, and an expired leaf still makes its device. The first certificate that the platform knows decides: bound to
 * a device, nothing more is done (which is why a bound leaf can't sign for others, and an unbound one can).
 */
export function presentChain(platform: Platform, chain: readonly X509Certificate[]): void {
    const [leaf] = chain;
    for (const certificate of chain) {
        const id = sha3(certificate.raw.toString("base64"));
        if (platform.store.credentials.find("credentialsId", id)?.credentialsType === "X509_CERTIFICATE") return;
        const profile = platform.store.deviceProfiles.find("provisionDeviceKey", id);
        if (!profile) continue;
        if (profile.provisionType === "X509_CERTIFICATE_CHAIN" && leaf) provision(platform, profile, leaf);
        return;
    }
}

function provision(platform: Platform, profile: DeviceProfile, leaf: X509Certificate): void {
    const configuration = profile.profileData["provisionConfiguration"];
    if (!isObject(configuration)) return;
    const pattern = configuration["certificateRegExPattern"];
    const name = deviceName(leaf, typeof pattern === "string" ? pattern : "");
    if (!name) return;
    const pem = leaf.raw.toString("base64");
    try {
        const device = platform.store.devices.find("name", inTenant(profile, name));
        if (device && device.deviceProfileId === profile.id) {
            const row = platform.store.credentials.find("deviceId", device.id);
            // a device with an access token is left alone
            if (row?.credentialsType === "X509_CERTIFICATE") bind(platform, device.id, pem);
        } else if (configuration["allowCreateNewDevicesByX509Certificate"] === true) {
            const request = { name, type: null, label: null, deviceProfileId: profile.id, firmwareId: null, softwareId: null, externalId: null };
            const created = createDevice(platform, profile.tenantId, { ...request, additionalInfo: null, configuration: { type: "DEFAULT" }, version: null }, accessToken());
            platform.store.keyValues.setAttribute(created.id, "SERVER_SCOPE", "provisionState", { kind: "string", text: "provisioned", ts: platform.now() });
            bind(platform, created.id, pem); // hence version 2 of the credentials
        }
    } catch (error) {
        // a name that is taken, a limit that is reached: the device is refused at CONNECT
        if (!(error instanceof PlatformError)) throw error;
    }
}

function bind(platform: Platform, deviceId: string, credentialsValue: string): void {
    const row = platform.store.credentials.find("deviceId", deviceId);
    if (!row) return;
    writeCredentials(platform, changedCredentials(platform, deviceId, { id: row.id, credentialsType: "X509_CERTIFICATE", credentialsId: null, credentialsValue, version: null }));
}

/** The first group of the pattern, found anywhere in the common name. A pattern that is none finds nothing. */
function deviceName(leaf: X509Certificate, pattern: string): string | undefined {
    const names: unknown = leaf.toLegacyObject().subject?.CN;
    const commonName: unknown = Array.isArray(names) ? names[0] : names;
    if (typeof commonName !== "string") return undefined;
    try {
        // Java's flag for any case stands in the pattern itself, where JavaScript knows none.
        const [, flag, rest = ""] = /^(\(\?i\))?(.*)$/s.exec(pattern) ?? [];
        return new RegExp(rest, flag === undefined ? "" : "i").exec(commonName)?.[1];
    } catch {
        return undefined;
    }
}
