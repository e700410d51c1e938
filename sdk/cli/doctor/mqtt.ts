// The MQTT port as devices meet it: can it be reached, whom does it claim to be, does a client certificate get through.
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { diagnose } from "../../mqtt/diagnosis";
import { diagnoseNetwork } from "../../mqtt/diagnoseNetwork";
import { diagnoseServerCertificate } from "../../mqtt/diagnoseTls";
import { inspectServer, type Inspection, type InspectRequest, type Unreachable } from "../../mqtt/inspect";
import { publishCheck } from "../../mqtt/publishCheck";
import { day, words } from "../../mqtt/wording";
import type { Server } from "../../reconcilers/server";
import { isApiError } from "../../thingsboard";
import { faultOf } from "../../userError";
import { certificatesIn } from "../../x509/chain";
import { issue } from "../../x509/issue";
import { toPem } from "../../x509/leaf";
import { failure, failureOf, type Finding, ok, warning } from "../frame/findings";

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

/** @param onOffer what `chainOnOffer` has found */
export async function examineMqtt(request: InspectRequest, server: Server, onOffer: string | undefined, tell: Tell, now: (text: string) => void): Promise<MqttReport> {
    const { host, port, caPem } = request;
    const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    now(`connecting to ${where} …`);
    const seen = await inspectServer(request);
    if ("refusal" in seen) {
        tell(unreachable(where, seen, server.restHost));
        return { host, port, reachable: false };
    }
    tell(ok("mqtt port", `${where} takes connections (${seen.evidence.remoteAddress ?? "address unknown"}) and speaks ${seen.versions.map(named).join(" and ")}`), ...judged(seen, request, server.restHost), ...(onOffer === undefined ? [] : [offered(seen, onOffer)]));
    const arrive = await clientCertificates(seen, request, server, tell, now);
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
    const subject = `the MQTT server at ${host}:${port}`;
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
const soonDays = 14;

function dates(certificate: X509Certificate, leaf: X509Certificate | undefined): Finding[] {
    const whose = certificate === leaf || certificate.fingerprint256 === leaf?.fingerprint256 ? "the server's certificate" : `the authority ${words(oneLine(certificate.subject))} above it`;
    const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / 86_400_000);
    const until = day(iso(certificate.validTo));
    if (Date.now() < Date.parse(certificate.validFrom)) return [failure("dates", `${whose} is valid only from ${day(iso(certificate.validFrom))}`, "wait, or correct the clock of this machine; devices refuse it until then")];
    if (days < 0) return [failure("dates", `${whose} expired on ${until}: devices refuse to connect`, "renew it on the server, which reads the new file within a minute (before 4.2.2.2: after a restart)")];
    if (days < soonDays) return [warning("dates", `${whose} expires in ${days} days, on ${until}: devices refuse to connect from then on`, "renew it on the server")];
    return [];
}

/** What ThingsBoard itself offers as tb-server-chain.pem; undefined where it offers nothing. */
export async function chainOnOffer({ thingsboard }: Server): Promise<string | undefined> {
    try {
        return await thingsboard.serverCertificateChain();
    } catch (error) {
        if (isApiError(error)) return undefined;
        throw error;
    }
}

/** It may be older than what the port shows. */
function offered({ sent }: Inspection, text: string): Finding {
    const what = "the chain that ThingsBoard offers for download";
    const fault = faultOf(() => certificatesIn(text, what));
    if (fault !== undefined) return warning("download", fault, "correct DEVICE_CONNECTIVITY_MQTTS_CA_ROOT_CERT on the server");
    const holds = certificatesIn(text, what);
    const vouches = (one: X509Certificate, other: X509Certificate) => one.fingerprint256 === other.fingerprint256 || (one.checkIssued(other) && one.verify(other.publicKey));
    if (sent.some(one => holds.some(other => vouches(one, other)))) return ok("download", `${what} fits what the port shows`);
    return warning("download", `${what} is another than the port shows`, "take the chain from the port (ServerChain), or restart ThingsBoard, which reads that file once");
}

/** What becomes of a certificate that nobody knows: ThingsBoard says "not authorized", and a proxy that ended TLS makes it say something else. */
async function clientCertificates(seen: Inspection, { host, port }: InspectRequest, server: Server, tell: Tell, now: (text: string) => void): Promise<boolean | undefined> {
    const root = seen.chain.at(-1);
    // To a server that nobody would trust nothing is presented; a private authority that is not known here is let pass for this.
    if (!seen.rightHost || !root || (seen.configured !== undefined && !(seen.configured.fault === "untrusted" && selfSigned(root)))) return undefined;
    now("presenting a throw-away certificate …");
    const canary = await issue({ commonName: "pulumi-thingsboard doctor", algorithm: "EC_P256", validityDays: 1 }, new Date());
    const trust = seen.configured !== undefined || seen.publicly !== undefined ? { caPem: pemOf(seen.chain) } : {};
    const outcome = await publishCheck({ mode: "connect", host, port, ...trust, certificatePem: toPem(canary.certificate), privateKeyPem: toPem(canary.key, "PRIVATE KEY"), clockSkewMs: server.thingsboard.clockSkewMs() ?? 0 });
    const check = "client certificate";
    if (outcome.ok) {
        tell(failure(check, "the server lets in a certificate that nobody has bound", "this is no ThingsBoard, or something before it lets everybody in: correct mqttHost and mqttPort"));
        return undefined;
    }
    const { cause, sentence } = diagnose(outcome, { deviceName: "doctor, with a throw-away certificate,", restHost: server.restHost, ...skewOf(server) });
    if (outcome.stage === "connack" && [0x05, 0x87].includes(outcome.reasonCode)) {
        tell(ok(check, "they reach ThingsBoard, which refuses one that no device holds"));
        return true;
    }
    if (cause === "no-certificate-arrived" || cause === "user-name-refused") {
        tell(failure(check, "they do not reach ThingsBoard: a load balancer or proxy in front of it ends TLS", "have it pass TCP through to ThingsBoard's own TLS port, since a client certificate can't be forwarded"));
        return false;
    }
    tell(failureOf(check, sentence));
    return undefined;
}

const skewOf = ({ thingsboard }: Server) => {
    const clockSkewMs = thingsboard.clockSkewMs();
    return clockSkewMs === undefined ? {} : { clockSkewMs };
};

/** The authorities above the server's own certificate; where there are none, itself. */
const toTrust = (chain: readonly X509Certificate[]): readonly X509Certificate[] => (chain.length > 1 ? chain.slice(1) : chain);

const selfSigned = (certificate: X509Certificate): boolean => certificate.checkIssued(certificate);
const pemOf = (chain: readonly X509Certificate[]): string => chain.map(({ raw }) => toPem(raw.toString("base64"))).join("");
const oneLine = (name: string | undefined): string => (name ?? "").split("\n").join(", ");
const iso = (date: string | undefined): string => new Date(date ?? 0).toISOString();

const shown = (certificate: X509Certificate): ShownCertificate => ({
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    fingerprint: certificate.fingerprint256,
    notBefore: iso(certificate.validFrom),
    notAfter: iso(certificate.validTo),
});
