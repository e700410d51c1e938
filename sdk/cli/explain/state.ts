// What a stack's state says of its devices: who has which certificate, and what its last check found.
import { logicalName } from "../../reconcilers/ownership";
import { readLeaf, toPem } from "../../x509/leaf";
import { UserError } from "../../userError";
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
    const made = new Map(resources.flatMap(({ outputs }): [string, string][] => {
        const pem = textOf(outputs, "certPem") ?? "";
        const identity = identityOf(pem);
        return identity === undefined ? [] : [[identity, pem]];
    }));
    const single = resources.filter(resource => isOfType(resource, "DeviceCredential")).flatMap((resource): Held[] => {
        const { outputs } = resource;
        const bound = textOf(outputs, "credentialsId");
        const deviceId = textOf(outputs, "deviceId");
        const deviceName = textOf(outputs, "deviceName");
        // After a refresh certificatePem holds what was found on the server.
        const found = textOf(outputs, "certificatePem");
        const certificatePem = found !== undefined && identityOf(found) === bound ? found : made.get(bound ?? "");
        const check = checks.get(deviceId);
        return certificatePem === undefined
            ? []
            : [held(certificatePem, `DeviceCredential "${nameOf(resource)}"`, { ...(deviceId === undefined ? {} : { deviceId }), ...(deviceName === undefined ? {} : { deviceName }), ...(check === undefined ? {} : { check }) })];
    });
    const fleets = resources.filter(resource => isOfType(resource, "FleetBatch")).flatMap(({ outputs }): Held[] => {
        const devices = plain(outputs?.["devices"]) as Readonly<Record<string, { readonly id: string; readonly certificate: string }>> | undefined;
        const fleet = logicalName(textOf(outputs, "fleet") ?? "");
        return Object.entries(devices ?? {}).map(([deviceName, { id, certificate }]) => held(toPem(certificate), `DeviceFleet "${fleet}"`, { deviceName, deviceId: id }));
    });
    return [...single, ...fleets];
}

/** Undefined for what is no certificate. */
function identityOf(pem: string): string | undefined {
    try {
        return readLeaf(pem).credentialsId;
    } catch (error) {
        if (error instanceof UserError) return undefined;
        throw error;
    }
}

const held = (certificatePem: string, by: string, more: Pick<Held, "deviceName" | "deviceId" | "check">): Held => ({ ...more, certificatePem, credentialsId: readLeaf(certificatePem).credentialsId, by });

function checkOf(outputs: StateResource["outputs"]): Held["check"] {
    const [outcome, message, checkedAt] = [textOf(outputs, "outcome"), textOf(outputs, "message"), textOf(outputs, "checkedAt")];
    return outcome === undefined || message === undefined || checkedAt === undefined ? undefined : { outcome, message, checkedAt };
}
