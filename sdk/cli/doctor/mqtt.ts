// The MQTT port as devices meet it: can it be reached, whom does it claim to be, does a client certificate get through.
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { daysInWords, millisecondsPerDay } from "../../clock";
import { diagnoseNetwork } from "../../mqtt/diagnoseNetwork";
import { diagnoseServerCertificate } from "../../mqtt/diagnoseTls";
import { inspectServer, type Inspection, type InspectRequest, type Unreachable } from "../../mqtt/inspect";
import { day, hostAndPort, words } from "../../mqtt/wording";
import type { Server } from "../../reconcilers/server";
import { isApiError } from "../../thingsboard";
import { faultOf } from "../../userError";
import { certificatesIn } from "../../x509/chain";
import { oneLine } from "../../x509/names";
import { failure, failureOf, type Finding, ok, warning } from "../frame/findings";
import { pemOf, presentCanary, selfSigned } from "./canary";
import { unread } from "./rest";

export interface MqttReport {
    readonly host: string;
    readonly port: number;
    readonly reachable: boolean;
    readonly tlsVersions?: readonly string[];
    readonly trustedPublicly?: boolean;
    /** By mqttCaPem or --cafile. */
    readonly trustedByCaFile?: boolean;
    readonly rightHost?: boolean;
    /** What is sent, leaf first. */
    readonly sent?: readonly ShownCertificate[];
    /** What tb-server-chain.pem should hold, where something here trusts the server. */
    readonly serverChainPem?: string;
    /** ThingsBoard was shown a client certificate; absent where that could not be tried. */
    readonly clientCertificatesArrive?: boolean;
}

export interface ShownCertificate {
    readonly subject: string;
    readonly issuer: string;
    readonly fingerprint: string;
    readonly notBefore: string;
    readonly notAfter: string;
}

type Tell = (...findings: readonly Finding[]) => void;

/** @param onOffer what `chainOnOffer` has found, before the port was looked at */
export async function examineMqtt(request: InspectRequest, server: Server, onOffer: OnOffer, tell: Tell, now: (text: string) => void): Promise<MqttReport> {
    const { host, port, caPem } = request;
    const where = hostAndPort(request);
    now(`connecting to ${where} …`);
    const seen = await inspectServer(request);
    if ("refusal" in seen) {
        tell(unreachable(where, seen, server.restHost));
        return { host, port, reachable: false };
    }
    tell(ok("mqtt port", `${where} takes connections (${seen.evidence.remoteAddress ?? "address unknown"}) and speaks ${seen.versions.map(named).join(" and ")}`), ...judged(seen, request, server.restHost), ...offered(seen, onOffer));
    now("presenting a throw-away certificate …");
    const canary = await presentCanary(seen, request, server);
    if (canary) tell(canary.finding);
    const arrive = canary?.arrive;
    return {
        host,
        port,
        reachable: true,
        tlsVersions: seen.versions,
        trustedPublicly: seen.publicly === undefined,
        ...(caPem === undefined ? {} : { trustedByCaFile: seen.configured === undefined }),
        rightHost: seen.rightHost,
        sent: seen.sent.map(shown),
        ...(seen.configured === undefined ? { serverChainPem: pemOf(toTrust(seen.chain)) } : {}),
        ...(arrive === undefined ? {} : { clientCertificatesArrive: arrive }),
    };
}

const named = (version: string): string => version.replace("TLSv", "TLS ");

export function unreachable(where: string, seen: Unreachable, restHost: string): Finding {
    const subject = `the MQTT port ${where}`;
    const { refusal, host, port, at } = seen;
    switch (refusal.stage) {
        case "dns":
        case "tcp":
        case "timeout":
            return failureOf("mqtt port", diagnoseNetwork(subject, { host, port, ...refusal }, { restHost }).sentence);
        case "tls-server":
            return failureOf("mqtt port", diagnoseServerCertificate(subject, { host, port, at, ...refusal }, { restHost }).sentence);
        default:
            return failure("mqtt port", `${subject}: it ends TLS with a client that shows no certificate`, "ThingsBoard asks for one and needs none: another broker or a proxy answers here; correct mqttHost and mqttPort, or let TLS through to ThingsBoard");
    }
}

/** Which devices would fail on the server's certificate, and on what. */
export function judged({ configured, publicly, sent, chain, rightHost, evidence }: Inspection, { host, port, caPem }: InspectRequest, restHost: string): Finding[] {
    const subject = `the MQTT server at ${hostAndPort({ host, port })}`;
    const at = new Date().toISOString();
    const [leaf] = sent;
    const found: Finding[] = [];
    const outdated = chain.flatMap(certificate => dates(certificate, leaf));
    const refusedAs = (fault: NonNullable<Inspection["configured"]>) =>
        failureOf("server certificate", diagnoseServerCertificate(subject, { host, port, at, ...(evidence.server === undefined ? {} : { server: evidence.server }), ...fault }, { restHost }).sentence);
    if (configured === undefined) {
        const trusted = isPublic(chain.at(-1)) ? "a public authority, which devices mostly trust" : "an authority that this machine trusts, and no public one: devices need it too";
        const by = caPem === undefined ? trusted : `an authority in the given CA file${publicly === undefined ? ", which is a public one" : ": devices need that file"}`;
        found.push(ok("server certificate", `${words(oneLine(leaf?.subject))}, valid until ${day(iso(leaf?.validTo))}, is of ${by}`));
    } else if (outdated.every(({ status }) => status !== "failure")) {
        const helped = caPem !== undefined && publicly === undefined ? failure("server certificate", `${subject} is not trusted by the given CA file, but by the public authorities`, "leave mqttCaPem (--cafile) out, or give the authority that signed it") : refusedAs(configured);
        found.push(helped);
        const last = sent.at(-1);
        if (configured.fault === "untrusted" && last && !selfSigned(last)) {
            found.push(warning("server chain", `the server sends ${sent.length} certificate${sent.length === 1 ? "" : "s"} and leaves out ${words(oneLine(last.issuer))}, which signed the last`, "let the server send the intermediate certificates too (MQTT_SSL_PEM_CERT: leaf first, then its issuer), or give devices the missing ones"));
        }
    }
    if (!rightHost) found.push(refusedAs({ stage: "tls-server", fault: "wrong-host", code: "ERR_TLS_CERT_ALTNAME_INVALID" }));
    found.push(...outdated);
    if (configured === undefined && leaf) {
        const holds = toTrust(chain).map(certificate => `${words(oneLine(certificate.subject))} (SHA-256 ${certificate.fingerprint256}, until ${day(iso(certificate.validTo))})`);
        found.push(ok("server chain", `tb-server-chain.pem should hold ${holds.join(" and ")}`));
    }
    const bits = leaf?.publicKey.asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && bits < 2048) found.push(warning("server certificate", `its RSA key has ${bits} bits, which many TLS libraries refuse`, "issue one with 2048 bits or more, or EC P-256"));
    return found;
}

/** What the user or the system has added (NODE_EXTRA_CA_CERTS) is known to this machine alone. */
const isPublic = (root: X509Certificate | undefined): boolean => rootCertificates.some(pem => new X509Certificate(pem).fingerprint256 === root?.fingerprint256);

/** As long as the certificates of public authorities may be late. */
const soon = 14 * millisecondsPerDay;

function dates(certificate: X509Certificate, leaf: X509Certificate | undefined): Finding[] {
    const whose = certificate === leaf || certificate.fingerprint256 === leaf?.fingerprint256 ? "the server's certificate" : `the authority ${words(oneLine(certificate.subject))} above it`;
    const left = Date.parse(certificate.validTo) - Date.now();
    const until = day(iso(certificate.validTo));
    if (Date.now() < Date.parse(certificate.validFrom)) return [failure("dates", `${whose} is valid only from ${day(iso(certificate.validFrom))}`, "wait, or correct the clock of this machine; devices refuse it until then")];
    if (left < 0) return [failure("dates", `${whose} expired on ${until}: devices refuse to connect`, "renew it on the server, which reads the new file within a minute (before 4.2.2.2: after a restart)")];
    if (left < soon) return [warning("dates", `${whose} expires in ${daysInWords(left)}, on ${until}: devices refuse to connect from then on`, "renew it on the server")];
    return [];
}

export interface OnOffer {
    /** Absent where nothing is offered, which is the default. */
    readonly pem?: string;
    /** It could not be asked. */
    readonly unread?: Finding;
}

/** What ThingsBoard itself offers as tb-server-chain.pem. */
export async function chainOnOffer({ thingsboard }: Server): Promise<OnOffer> {
    try {
        const pem = await thingsboard.serverCertificateChain();
        return pem === undefined ? {} : { pem };
    } catch (error) {
        if (!isApiError(error)) throw error;
        return isApiError(error, "server", "unreachable", "timeout", "rateLimited") ? { unread: unread("download", "what ThingsBoard offers for download as the chain of this port", error) } : {};
    }
}

/** It may be older than what the port shows. */
function offered({ sent }: Inspection, { pem, unread }: OnOffer): Finding[] {
    return pem === undefined ? (unread ? [unread] : []) : [compared(sent, pem)];
}

function compared(sent: Inspection["sent"], text: string): Finding {
    const what = "the chain that ThingsBoard offers for download";
    const fault = faultOf(() => certificatesIn(text, what));
    if (fault !== undefined) return warning("download", fault, "correct DEVICE_CONNECTIVITY_MQTTS_CA_ROOT_CERT on the server");
    const holds = certificatesIn(text, what);
    const vouches = (one: X509Certificate, other: X509Certificate) => one.fingerprint256 === other.fingerprint256 || (one.checkIssued(other) && one.verify(other.publicKey));
    if (sent.some(one => holds.some(other => vouches(one, other)))) return ok("download", `${what} fits what the port shows`);
    return warning("download", `${what} is another than the port shows`, "take the chain from the port (ServerChain), or restart ThingsBoard, which reads that file once");
}

/** The authorities above the server's own certificate; where there are none, itself. */
const toTrust = (chain: readonly X509Certificate[]): readonly X509Certificate[] => (chain.length > 1 ? chain.slice(1) : chain);

const iso = (date: string | undefined): string => new Date(date ?? 0).toISOString();

const shown = (certificate: X509Certificate): ShownCertificate => ({
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    fingerprint: certificate.fingerprint256,
    notBefore: iso(certificate.validFrom),
    notAfter: iso(certificate.validTo),
});
