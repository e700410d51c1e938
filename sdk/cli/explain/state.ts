// What a stack's state says of its devices: who has which certificate, and what its last check found.
import { readLeaf, toPem } from "../../x509/leaf";
import { faultOf } from "../../userError";
import { isOfType, nameOf, plain, type StateResource, textOf } from "../stack/state";

export interface Held {
    readonly deviceName?: string;
    readonly deviceId?: string;
    readonly certificatePem: string;
    readonly credentialsId: string;
    /** The resource that has bound it: `DeviceCredential "pump-1"`. */
    readonly by: string;
    /** Of its last publish check. */
    readonly check?: { readonly outcome: string; readonly message: string; readonly checkedAt: string };
}

/** Of all devices that a stack has bound certificates to, those of fleets among them. */
export function heldInState(resources: readonly StateResource[]): readonly Held[] {
    const checks = new Map(resources.filter(resource => isOfType(resource, "PublishCheck")).map(({ outputs }) => [textOf(outputs, "deviceId"), checkOf(outputs)]));
    const single = resources.filter(resource => isOfType(resource, "DeviceCredential")).flatMap((resource): Held[] => {
        const { outputs } = resource;
        const deviceId = textOf(outputs, "deviceId");
        const deviceName = textOf(outputs, "deviceName");
        // After a drift certificatePem may hold what was found; the fingerprint is that of what was bound.
        const certificatePem = textOf(outputs, "certificatePem");
        const check = checks.get(deviceId);
        return certificatePem === undefined || !isCertificate(certificatePem)
            ? []
            : [held(certificatePem, `DeviceCredential "${nameOf(resource)}"`, { ...(deviceId === undefined ? {} : { deviceId }), ...(deviceName === undefined ? {} : { deviceName }), ...(check === undefined ? {} : { check }) })];
    });
    const fleets = resources.filter(resource => isOfType(resource, "FleetBatch")).flatMap(({ outputs }): Held[] => {
        const devices = plain(outputs?.["devices"]) as Readonly<Record<string, { readonly id: string; readonly certificate: string }>> | undefined;
        const fleet = textOf(outputs, "fleet")?.split("/").slice(2).join("/") ?? "";
        return Object.entries(devices ?? {}).map(([deviceName, { id, certificate }]) => held(toPem(certificate), `DeviceFleet "${fleet}"`, { deviceName, deviceId: id }));
    });
    return [...single, ...fleets];
}

const isCertificate = (pem: string): boolean => faultOf(() => readLeaf(pem)) === undefined;

const held = (certificatePem: string, by: string, more: Pick<Held, "deviceName" | "deviceId" | "check">): Held => ({ ...more, certificatePem, credentialsId: readLeaf(certificatePem).credentialsId, by });

function checkOf(outputs: StateResource["outputs"]): Held["check"] {
    const [outcome, message, checkedAt] = [textOf(outputs, "outcome"), textOf(outputs, "message"), textOf(outputs, "checkedAt")];
    return outcome === undefined || message === undefined || checkedAt === undefined ? undefined : { outcome, message, checkedAt };
}
