// Why a device is refused, the likeliest reason first. What the publish check says of a refusal it has seen is said here of one foreseen.
import { otherTransport } from "../../mqtt/diagnoseMqtt";
import { foreseeUnauthorized } from "../../mqtt/diagnoseUnauthorized";
import { day, hostAndPort, short, words } from "../../mqtt/wording";
import { revokedSentence } from "../../reconcilers/revoked";
import { certificateId } from "../../x509/leaf";
import { judged, unreachable } from "../doctor/mqtt";
import { failureOf } from "../frame/findings";
import type { Facts } from "./facts";

export interface Reason {
    /** In one word to act on, as docs/troubleshooting.md lists them, and a few of this command's own. */
    readonly cause: string;
    readonly sentence: string;
    readonly remedy?: string;
    /** `certain`: the device can't be let in. `likely`: it would explain it. `note`: good to know, and no reason by itself. */
    readonly weight: "certain" | "likely" | "note";
}

/** Each looks at one thing; their order is that of their likelihood among reasons of one weight. */
const looks: readonly ((facts: Facts) => readonly Reason[])[] = [gone, revoked, unreadable, certificate, transport, quota, server, clientCertificate, shared, renamed, chain, soon, unread];

export function reasonsOf(facts: Facts): readonly Reason[] {
    const found = looks.flatMap(look => look(facts));
    const order = ["certain", "likely", "note"];
    return [...found].sort((a, b) => order.indexOf(a.weight) - order.indexOf(b.weight));
}

const subjectOf = ({ device, asked }: Facts): string => `device ${words(device?.name ?? asked)}`;

function reason(cause: string, weight: Reason["weight"], sentence: string): Reason {
    const { message, remedy } = failureOf("", sentence);
    return { cause, weight, sentence: message, ...(remedy === undefined ? {} : { remedy }) };
}

function gone({ device, asked, inState }: Facts): Reason[] {
    if (device) return [];
    const remedy = inState ? 'run "pulumi up --refresh", which makes it again' : "compare the name with ThingsBoard's list, letter by letter, and see that url and log-in are of the tenant that has it";
    return [reason("device-gone", "certain", `ThingsBoard has no device ${words(asked)}${inState ? `, which ${inState.by} had bound a certificate to` : ""}; ${remedy}`)];
}

function revoked(facts: Facts): Reason[] {
    const { own, bound, revoked, inState } = facts;
    if (revoked === "unread") return [];
    const leaf = own?.leaf ?? bound;
    const on = leaf && revoked[leaf.credentialsId];
    if (on !== undefined) return [reason("revoked", "certain", revokedSentence(facts.device?.name ?? facts.asked, on).replace(": issue", "; issue"))];
    const others = Object.keys(revoked).length;
    return others === 0 ? [] : [reason("revoked-before", "note", `${others} other certificate${others === 1 ? " of this device was" : "s of this device were"} revoked before${inState ? ", and not the one in the state" : ""}`)];
}

/** ThingsBoard stores any text as a certificate, and compares the hash of that text with the device's. */
function unreadable(facts: Facts): Reason[] {
    const { credential, bound } = facts;
    if (credential?.credentialsType !== "X509_CERTIFICATE") return [];
    if (bound && certificateId(bound.base64Der) === credential.credentialsId) return [];
    const sentence = `${subjectOf(facts)}: the X.509 credential on ThingsBoard holds something else than one certificate (a chain, blanks, other text), so no device can ever match it`;
    return [reason("credential-unreadable", "certain", `${sentence}; bind the leaf alone with DeviceCredential, or paste one PEM block without blanks and without its chain`)];
}

/** What the device presents against what is bound; with nothing known of the device, the dates of what is bound. */
function certificate(facts: Facts): Reason[] {
    const { device, own, bound, credential, context, mqtt, inState } = facts;
    if (!device) return [];
    const at = new Date().toISOString();
    const leaf = own?.leaf ?? bound;
    if (!leaf) {
        if (credential?.credentialsType === "X509_CERTIFICATE") return [];
        const holds = credential?.credentialsType === "ACCESS_TOKEN" ? "an access token" : `a credential of type ${words(credential?.credentialsType ?? "none")}`;
        return [reason(credential?.credentialsType === "ACCESS_TOKEN" ? "token-bound" : "other-credential-bound", "certain", `${subjectOf(facts)}: ThingsBoard holds ${holds} for it, so it lets in no certificate; bind one with DeviceCredential${inState ? ' (pulumi up --refresh)' : ""}`)];
    }
    const presented = own?.presented ?? { credentialsId: leaf.credentialsId, notBefore: leaf.notBefore.toISOString(), notAfter: leaf.notAfter.toISOString(), chainLength: 1 };
    const found = foreseeUnauthorized(subjectOf(facts), { presented, at, host: mqtt.host }, context);
    return found ? [reason(found.cause, "certain", found.sentence)] : [];
}

function transport(facts: Facts): Reason[] {
    const found = otherTransport(subjectOf(facts), facts.context);
    return found ? [reason(found.cause, "certain", found.sentence)] : [];
}

function quota({ usage }: Facts): Reason[] {
    const { transportMessages = 0, maxTransportMessages = 0 } = usage ?? {};
    if (maxTransportMessages === 0 || transportMessages < maxTransportMessages) return [];
    return [reason("quota", "certain", `the tenant has used all ${maxTransportMessages.toLocaleString("en")} messages of this month, so ThingsBoard refuses sessions; wait for the next month, or have the limit of its tenant profile raised`)];
}

/** The device may be the one that refuses: it looks at the server's certificate first. */
function server({ mqtt, context }: Facts): Reason[] {
    const { seen, host, port, caPem } = mqtt;
    const restHost = context.restHost ?? "";
    const found = "refusal" in seen ? [unreachable(hostAndPort(mqtt), seen, restHost)] : judged(seen, { host, port, ...(caPem === undefined ? {} : { caPem }) }, restHost);
    // What is not trusted here, the device may well trust, as long as its CA file is not known.
    const sure = (check: string) => "refusal" in seen || check === "dates" || caPem !== undefined || !seen.rightHost;
    return found
        .filter(({ status }) => status === "failure")
        .map(({ check, message, remedy }) => ({ cause: check.replaceAll(" ", "-"), weight: sure(check) ? "likely" : "note", sentence: message, ...(remedy === undefined ? {} : { remedy }) }));
}

/** What a certificate that no device holds came to. */
function clientCertificate({ mqtt: { canary } }: Facts): Reason[] {
    if (!canary || canary.finding.status === "ok") return [];
    const { check, message, remedy } = canary.finding;
    return [{ cause: check.replaceAll(" ", "-"), weight: "likely", sentence: message, ...(remedy === undefined ? {} : { remedy }) }];
}

function shared(facts: Facts): Reason[] {
    const { sharedWith } = facts;
    if (sharedWith?.where !== "state") return [];
    return [reason("bound-to-another-device", "likely", `${subjectOf(facts)} and device ${words(sharedWith.name)} have the same certificate in the stack's state, and ThingsBoard knows one device by it; issue a certificate for each`)];
}

function renamed({ device, asked, inState }: Facts): Reason[] {
    if (!device || device.name === asked || device.id.id === asked || !inState) return [];
    return [reason("renamed", "note", `the stack knows it as ${words(asked)}; on ThingsBoard it was renamed`)];
}

function chain({ profile, own, bound }: Facts): Reason[] {
    if (profile?.provisionType !== "X509_CERTIFICATE_CHAIN") return [];
    const alone = own?.presented.chainLength === 1 && own.leaf.credentialsId !== bound?.credentialsId ? "; a new certificate is taken only with the ones above it in one PEM" : "";
    return [reason("chain-profile", "note", `its profile ${words(profile.name)} lets devices enrol by their chain, so whoever has a key under its authority can take its place${alone}`)];
}

function soon({ own, bound, now }: Facts): Reason[] {
    const leaf = own?.leaf ?? bound;
    const days = leaf ? (leaf.notAfter.getTime() - now) / 86_400_000 : Infinity;
    return days < 0 || days > 30 ? [] : [reason("expires-soon", "note", `its certificate ${short(leaf!.credentialsId)} expires on ${day(leaf!.notAfter.toISOString())}`)];
}

/** Nothing is concluded from what is not known. */
function unread({ unread }: Facts): Reason[] {
    if (unread.length === 0) return [];
    const happened = [...new Set(unread.map(({ happened }) => happened))].join("; ");
    return [{ cause: "unread", weight: "note", sentence: `ThingsBoard could not be asked ${unread.map(({ what }) => what).join(", ")}, so nothing is said of that: ${happened}`, remedy: 'run it again; "pulumi-thingsboard doctor" looks at the server itself' }];
}
