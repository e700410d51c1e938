// Every fault that the emulator can play, by the types of its own interface: one that is added there does not compile here.

import type { Emulator, EmulatorOptions, Faults, MqttFault, Pace, RestFault, Rotation, TenantLimits, ThingsBoardEdition, ThingsBoardVersion } from "../../../sdk/emulator";
import { connect, makeCert, TELEMETRY } from "../../emulator/support";
import { accepted, because, byPassword, type Case, type Cases, cause, error, found, harmless, mqtt, nothing, rest } from "./case";

const later = 60_000;
/** As another in how the commands come to it: for the long run. */
const alike = true;

/** All but those that only choose which calls are hit. */
type RestPart = Exclude<keyof RestFault, "method" | "path" | "skip" | "times" | "duration">;
const down = { doctor: found("address", /broke off \(ECONNRESET\)$/, /it or a proxy broke down/), explain: error(/^device "pump-1": cannot read the device: the connection to .* broke off/) };

export const restFaults: Readonly<Record<RestPart, Cases>> = {
    status: {
        "401": { play: rest({ status: 401 }), doctor: found("log-in", /"Authentication failed" \(401\): the API key is wrong, was deleted/, /^give a valid API key/), explain: error(/the API key is wrong, was deleted or is of another server/) },
        "403": { alike, play: rest({ status: 403 }), doctor: found("log-in", /don't have permission .* \(403\)$/, /needs the rights of a tenant administrator/), explain: error(/needs the rights of a tenant administrator/) },
        "404": { play: rest({ status: 404 }), doctor: found("address", /\(404\)$/, /see that url is ThingsBoard's own address/), explain: because("device-gone", /^ThingsBoard has no device "pump-1"$/, /see that url and log-in are of the tenant that has it/) },
        "429": { play: rest({ status: 429 }), doctor: found("rate limit", /Too many requests .* \(429\): the tenant's limit of requests is used up/, /^wait a minute and run it again/), explain: error(/limit of requests is used up/) },
        "500": { play: rest({ status: 500 }), doctor: found("address", /"Internal server error" \(500\): the reason is in the server's log$/, /see that ThingsBoard runs, look at its log/), explain: error(/"Internal server error" \(500\): the reason is in the server's log/) },
        "500 of what a tenant uses": { play: rest({ path: "/api/usage", status: 500 }), doctor: found("device limit: warning", /^what the tenant uses could not be read: .*\(500\)$/, /look at its log, and run it again/), explain: because("unread", /could not be asked what the tenant uses, so nothing is said of that: .*\(500\)/, /run it again/) },
        "500 of its version": { alike, play: rest({ path: "/api/system/info", status: 500 }), doctor: found("version: warning", /^its version could not be read/, /look at its log/), explain: nothing },
        "500 of the chain on offer": { play: rest({ path: "*/certificate/download", status: 500 }), doctor: found("download: warning", /^what ThingsBoard offers for download .* could not be read/, /look at its log/), explain: nothing },
        "500 of a device's times": { play: rest({ path: "*/SERVER_SCOPE*", status: 500 }), doctor: nothing, explain: because("unread", /could not be asked what was revoked, when it was last connected, so/, /run it again/) },
        "403 of a device's credentials": { play: rest({ path: "/api/device/*/credentials", status: 403 }), doctor: nothing, explain: error(/cannot read the credentials: .*\(403\): the user needs the rights/) },
    },
    body: { "a proxy's page": { play: rest({ status: 502, body: "<html>Bad Gateway</html>" }), doctor: found("address", /answers 502: ThingsBoard is down or starting behind this address$/, /see that ThingsBoard runs/), explain: error(/answers 502: ThingsBoard is down or starting/) } },
    headers: { "a log-in page": { play: rest({ status: 302, body: "", headers: { location: "https://login.example.com/?next=/api" } }), doctor: found("address", /redirects to https:\/\/login\.example\.com \(302\)$/, /give the address that ThingsBoard itself has/), explain: error(/redirects to https:\/\/login\.example\.com/) } },
    when: { "after": { play: rest({ status: 503, when: "after" }), doctor: found("address", /\(503\): the reason is in the server's log$/, /see that ThingsBoard runs/), explain: error(/\(503\)/) } },
    truncate: { "an answer": { play: rest({ truncate: true }), doctor: found("address", /^the answer of .* broke off in the middle$/, /look at the server, and at a proxy before it/), explain: error(/the answer of .* broke off in the middle/) } },
    drip: { "an answer": { play: rest({ drip: later }), doctor: found("address", /didn't answer in time$/, /check firewall and load, or raise timeout/), explain: error(/didn't answer in time/) } },
    drop: { before: { play: rest({ drop: "before" }), ...down }, after: { play: rest({ drop: "after" }), ...down } } satisfies Record<NonNullable<RestFault["drop"]>, Case>,
    latency: { "more than the timeout": { play: rest({ latency: later }), doctor: found("address", /didn't answer in time$/, /check firewall and load, or raise timeout/), explain: error(/didn't answer in time/) } },
};

const port = "mqtt port";
const certificate = "client certificate";
const arrives = (says: RegExp, remedy: RegExp, word: string, told: RegExp): Pick<Case, "doctor" | "explain" | "publish"> => ({ doctor: found(certificate, says, remedy), explain: because("client-certificate", says, remedy), publish: cause(word, told) });
const reaches = (says: RegExp, remedy: RegExp, word: string): Pick<Case, "doctor" | "explain" | "publish"> => ({ doctor: found(port, says, remedy), explain: because("mqtt-port", says, remedy), publish: cause(word, says) });
const withKeyAlone = (word: string, says: RegExp): Pick<Case, "doctor" | "explain" | "publish"> => ({ doctor: nothing, explain: nothing, publish: cause(word, says) });
const late = arrives(/^a throw-away certificate got no answer to CONNECT at localhost:\d+ within 5 s: .*its core, which may be overloaded or down$/, /try again/, "connack-timeout", /got no answer to CONNECT/);

export const mqttFaults: Readonly<Record<Exclude<keyof MqttFault, "times">, Cases>> = {
    tls: {
        close: { play: mqtt({ tls: "close" }), ...reaches(/the TLS handshake failed \(ECONNRESET\)/, /set mqttPort to the port for MQTT over TLS/, "tls-handshake") },
        withhold: { play: mqtt({ tls: "withhold" }), ...reaches(/did not answer the TLS handshake within 5 s/, /set mqttPort to the port for MQTT over TLS/, "tls-timeout") },
        dropCertificate: { play: mqtt({ tls: "dropCertificate" }), ...arrives(/do not reach ThingsBoard: a load balancer or proxy in front of it ends TLS/, /have it pass TCP through/, "no-certificate-arrived", /ends TLS; have it pass TCP through/) },
    } satisfies Record<NonNullable<MqttFault["tls"]>, Case>,
    connack: {
        withhold: { play: mqtt({ connack: "withhold" }), ...late },
        half: { play: mqtt({ connack: "half" }), ...late },
        close: { play: mqtt({ connack: "close" }), ...arrives(/^a throw-away certificate was cut off at localhost:\d+ without an answer to CONNECT$/, /see that ThingsBoard is up/, "closed-before-connack", /without an answer to CONNECT/) },
        0: { play: mqtt({ connack: 0 }), ...arrives(/lets in a certificate that nobody has bound, so it is no ThingsBoard/, /correct mqttHost and mqttPort/, "accepted", /accepted/) },
        1: { play: mqtt({ connack: 1 }), ...arrives(/speaks neither MQTT 5 nor 3\.1\.1, so it is no ThingsBoard/, /correct mqttHost and mqttPort/, "protocol-version", /neither MQTT 5 nor 3\.1\.1/) },
        3: { play: mqtt({ connack: 3 }), ...arrives(/^a throw-away certificate was refused at localhost:\d+ \(CONNACK 0x88, Server unavailable\): ThingsBoard can't take the session: its core did not answer in time$/, /try again in a minute, then look at its log/, "server-unavailable", /can't take the session/) },
        4: { alike, play: mqtt({ connack: 4 }), ...arrives(/a load balancer or proxy in front of it ends TLS/, /have it pass TCP through/, "user-name-refused", /no certificate reached it/) },
        5: { alike, play: mqtt({ connack: 5 }), ...withKeyAlone("certificate-unknown", /although its certificate .* is bound.*see that mqttHost is the same ThingsBoard as url/) },
        [0x81]: { alike, play: mqtt({ connack: 0x81 }), ...arrives(/could not read CONNECT, which ThingsBoard can/, /correct mqttHost and mqttPort/, "other-reason", /another broker or a proxy answers here/) },
        [0x8a]: { play: mqtt({ connack: 0x8a }), ...arrives(/blocks this machine's address after too many refused connections/, /wait a minute/, "address-blocked", /blocks this machine's address/) },
        [0x97]: { alike, play: mqtt({ connack: 0x97 }), ...arrives(/quota is used up/, /API usage/, "quota", /quota is used up/) },
        [0x9f]: { alike, play: mqtt({ connack: 0x9f }), ...arrives(/rate limit of the tenant or the device is used up/, /wait a minute, or raise it/, "rate-limit", /rate limit/) },
    } satisfies Record<Extract<MqttFault["connack"], string> | number, Case>,
    puback: {
        withhold: { play: mqtt({ puback: "withhold" }), ...withKeyAlone("puback-timeout", /got no PUBACK at .* within 5 s: its queue or rule engine is behind/) },
        half: { play: mqtt({ puback: "half" }), ...withKeyAlone("puback-timeout", /got no PUBACK/) },
        close: { play: mqtt({ puback: "close" }), ...withKeyAlone("closed-before-puback", /after it had connected.*in MQTT 5 ThingsBoard says why before it closes, so a load balancer.*look at what stands between/) },
        [0x87]: { alike, play: mqtt({ puback: 0x87 }), ...withKeyAlone("not-authorized", /may not publish to "v1\/devices\/me\/telemetry"/) },
        [0x90]: { play: mqtt({ puback: 0x90 }), ...withKeyAlone("topic-refused", /is not open to it, as for a device profile with topics of its own/) },
        [0x97]: { alike, play: mqtt({ puback: 0x97 }), ...withKeyAlone("quota", /quota is used up/) },
        [0x99]: { alike, play: mqtt({ puback: 0x99 }), ...withKeyAlone("payload-refused", /is a JSON object/) },
    } satisfies Record<Extract<MqttFault["puback"], string> | number, Case>,
    disconnect: { withhold: harmless(mqtt({ disconnect: "withhold" })) } satisfies Record<NonNullable<MqttFault["disconnect"]>, Case>,
    delay: { "more than the timeout": { play: mqtt({ delay: later }), ...reaches(/did not answer the TLS handshake within 5 s, as .* an overloaded server would/, /look at the proxy and the server/, "tls-timeout") } },
    closeAfterConnect: { "of each connection": { play: mqtt({ closeAfterConnect: true }), ...withKeyAlone("closed-before-puback", /a load balancer, a proxy or the network ended the connection/) } },
    loseTelemetry: { "of each device": { play: mqtt({ loseTelemetry: true }), ...withKeyAlone("not-stored", /acknowledged but not stored: the rule chain drops or renames the key/) } },
    storeDelay: {
        "a second": harmless(mqtt({ storeDelay: 1000 })),
        "longer than anybody waits": { play: mqtt({ storeDelay: later }), ...withKeyAlone("not-stored", /or the rule engine is behind/) },
    },
};

const skewed = (clockOffset: number): Case["play"] => ({ emulator }) => emulator.faults.set({ clockOffset });
const hour = 3_600_000;

export const otherFaults: Readonly<Record<Exclude<keyof Faults, "rest" | "mqtt">, Cases>> = {
    clockOffset: {
        "12 s behind": { alike, play: skewed(-12_000), doctor: found("clock: warning", /1\d s behind this machine's: .*the publish check waits for it$/, /^set both by NTP$/), explain: nothing },
        "an hour behind": { play: skewed(-hour), doctor: found("clock", /60 min behind this machine's: a certificate that is issued now is not yet valid there/, /^set both by NTP$/), explain: nothing },
        "an hour ahead": { play: skewed(hour), doctor: found("clock: warning", /60 min ahead of this machine's: certificates end there that much earlier/, /^set both by NTP$/), explain: nothing },
        "beyond the certificate's end": { play: skewed(500 * 24 * hour), doctor: found("clock: warning", /500 days ahead/, /^set both by NTP$/), explain: because("certificate-expired", /its certificate expired on .*the server's clock is 500 days ahead/, /issue a new one/), publish: cause("certificate-expired", /the server's clock is 500 days ahead/) },
        "before the certificate's beginning": { alike, play: skewed(-500 * 24 * hour), doctor: found("clock", /500 days behind/, /^set both by NTP$/), explain: because("certificate-not-yet-valid", /valid only from .*the server's clock is 500 days behind/, /set the clocks by NTP/), publish: cause("certificate-not-yet-valid", /500 days behind/) },
    },
    registrationDelay: {
        "longer than anybody waits": harmless(({ emulator }) => emulator.faults.set({ registrationDelay: later })),
    },
    keepSessions: {
        "of a device whose certificate was replaced": {
            async play({ emulator, rest, certificate, later }) {
                emulator.faults.set({ keepSessions: true });
                const device = await connect(emulator, { certificate });
                later(() => device.end());
                const { id } = (await rest("GET", "/api/tenant/devices?deviceName=pump-1")).body as { id: { id: string } };
                const row = (await rest("GET", `/api/device/${id.id}/credentials`)).body as object;
                await rest("POST", "/api/device/credentials", { ...row, credentialsId: null, credentialsValue: makeCert({ cn: "pump-1" }).pem });
            },
            withCertificate: true,
            doctor: nothing,
            explain: because("other-certificate-bound", /holds another certificate/, /bind this one with DeviceCredential/),
            publish: cause("certificate-unknown", /no device holds it/),
        },
    },
};

const rotated = (rotation: Rotation): Case["play"] => ({ emulator }) => emulator.rotateServerCertificate(rotation);

export const serverCertificates: Readonly<Record<keyof Rotation, Cases>> = {
    authority: {
        new: {
            play: rotated({ authority: "new" }),
            // As on a real one, the file on offer was read once, and is the old one.
            doctor: { ...found("server certificate", /"CN=localhost" from "CN=ThingsBoard emulator CA \w+", SHA-256 \S+ is not trusted/, /give the authority that signed it as mqttCaPem/), found: ["server certificate: failure", "download: warning"] },
            explain: because("server-certificate", /is not trusted/, /give the authority that signed it as mqttCaPem/),
            publish: cause("server-certificate-untrusted", /is not trusted/),
        },
    } satisfies Record<Exclude<Rotation["authority"], "same" | undefined>, Case>,
    hosts: {
        "of another name": { play: rotated({ hosts: ["mqtt.example.org"] }), doctor: found("server certificate", /is for "DNS:mqtt\.example\.org" and not for localhost/, /set mqttHost to a name in the certificate/), explain: because("server-certificate", /is for "DNS:mqtt\.example\.org"/, /set mqttHost/), publish: cause("server-certificate-wrong-host", /not for localhost/) },
    },
    validity: {
        expired: { play: rotated({ validity: "expired" }), doctor: found("dates", /^the server's certificate expired on .* UTC: devices refuse to connect$/, /^renew it on the server/), explain: because("dates", /expired on/, /^renew it on the server/), publish: cause("server-certificate-expired", /expired on/) },
        notYetValid: { play: rotated({ validity: "notYetValid" }), doctor: found("dates", /^the server's certificate is valid only from/, /wait, or correct the clock/), explain: because("dates", /valid only from/, /wait, or correct the clock/), publish: cause("server-certificate-not-yet-valid", /valid only from/) },
    } satisfies Record<Exclude<Rotation["validity"], "valid" | undefined>, Case>,
    days: {
        "6": { play: rotated({ days: 6 }), doctor: found("dates: warning", /^the server's certificate expires in 5 days/, /renew it on the server/), explain: nothing, publish: accepted },
    },
};

const limited = (limits: TenantLimits): Case["play"] => ({ emulator }) => emulator.setLimits(limits);

export const limits: Readonly<Record<keyof TenantLimits, Cases>> = {
    maxDevices: { "used up": { play: limited({ maxDevices: 1 }), doctor: found("device limit", /^the tenant has 1 device and may have no more than 1$/, /have maxDevices of its tenant profile raised/), explain: nothing, publish: accepted } },
    tenantServerRestLimitsConfiguration: { "one call a second": { play: limited({ tenantServerRestLimitsConfiguration: "1:1" }), doctor: found("rate limit: warning", /answered "too many requests" to the few calls/, /set rateLimit below the tenant's limit/), explain: nothing } },
    customerServerRestLimitsConfiguration: { "which are not ours": harmless(limited({ customerServerRestLimitsConfiguration: "1:60" })) },
    transportDeviceMsgRateLimit: { "one message": { play: limited({ transportDeviceMsgRateLimit: "1:60" }), ...withKeyAlone("rate-limit", /rate limit of the tenant or the device is used up/) } },
    transportDeviceTelemetryMsgRateLimit: {
        "used up by the device": {
            async play({ emulator, certificate }) {
                emulator.setLimits({ transportDeviceTelemetryMsgRateLimit: "1:60" });
                const device = await connect(emulator, { certificate });
                await device.publish(TELEMETRY, "{\"a\":1}");
                device.end();
            },
            ...withKeyAlone("rate-limit", /telemetry rate limit of the tenant or the device is used up/),
        },
    },
};

const real = harmless(({ emulator }) => emulator.pace.set("real"));
const slow = harmless(({ emulator }) => emulator.pace.set({ read: { perSecond: 20, latency: 100 }, connect: { perSecond: 5, latency: 300 } }));

/** Slowness is no fault as long as answers come in time. */
export const paces: Readonly<Record<keyof Pace, Cases>> = { create: { real }, read: { slow }, write: {}, delete: {}, connect: {}, deleteStall: {} };

type MethodOf<Type> = { [Key in keyof Type]: Type[Key] extends (...given: never) => unknown ? Key : never }[keyof Type];

/** `setLimits` and `rotateServerCertificate` are above. */
export const methods: Readonly<Record<Exclude<MethodOf<Emulator>, "setLimits" | "rotateServerCertificate" | "status">, Cases>> = {
    expireTokens: { "of earlier log-ins": harmless(({ emulator }) => emulator.expireTokens(), { settings: byPassword("tenant") }) },
    stop: {
        "with both ports": {
            play: ({ emulator }) => emulator.stop(),
            doctor: { found: ["address: failure", "mqtt port: failure"], says: /refuses the connection$/, remedy: /is ThingsBoard running, and is the port right/ },
            explain: error(/refuses the connection: is ThingsBoard running/),
            publish: cause("connection-refused", /nothing listens there/),
        },
    },
};

const older = { settings: byPassword("tenant") };
const wins = found("version: warning", /does not notice when two write the same device at once: the last one wins$/, /upgrade to 3\.8 or later/);

export const versions: Readonly<Record<Exclude<ThingsBoardVersion, "4.3">, Cases>> = {
    "3.5": { CE: { ...harmless(() => undefined, older), options: { version: "3.5" }, doctor: wins } },
    "3.6": { CE: { alike, ...harmless(() => undefined, older), options: { version: "3.6" }, doctor: wins } },
    "3.8": {
        CE: { ...harmless(() => undefined, older), options: { version: "3.8" } },
        "with an API key": { play: () => undefined, options: { version: "3.8" }, settings: () => ({ THINGSBOARD_API_KEY: "tb_of_another_server" }), doctor: found("log-in", /this is ThingsBoard 3\.8\.\d+, and API keys need 4\.3 or later: give username and password$/, /username and password/), explain: error(/API keys need 4\.3 or later: give username and password/) },
    },
};

export const editions: Readonly<Record<Exclude<ThingsBoardEdition, "CE">, Cases>> = {
    PE: { "4.3": { ...harmless(() => undefined), options: { edition: "PE" } } },
    Cloud: { "4.3": { ...harmless(() => undefined), options: { edition: "Cloud" } } },
};

/** `faults`, `pace` and `limits` begin with what is above; `clock` is `clockOffset`. */
export const others: Readonly<Record<Exclude<keyof EmulatorOptions, "faults" | "pace" | "limits" | "clock" | "version" | "edition" | "dir" | `${string}Port`>, Cases>> = {};

const of = (play: Case["play"], settings: NonNullable<Case["settings"]>, says: RegExp, remedy: RegExp, told: RegExp): Case => ({ play, settings, doctor: found("log-in", says, remedy), explain: error(told) });
const key = (change: (rest: Parameters<Case["play"]>[0]["rest"], id: string) => Promise<unknown>): Case["play"] =>
    async ({ rest }) => {
        const user = (await rest("GET", "/api/auth/user")).body as { id: { id: string } };
        const keys = (await rest("GET", `/api/apiKeys/${user.id.id}?pageSize=10&page=0`)).body as { data: { id: { id: string } }[] };
        await change(rest, keys.data[0]!.id.id);
    };

export const logIns: Cases = {
    "a key of nobody": of(() => undefined, () => ({ THINGSBOARD_API_KEY: "tb_wrong" }), /the API key is wrong, was deleted or is of another server/, /^give a valid API key/, /the API key is wrong/),
    "a key that was deleted": of(key((rest, id) => rest("DELETE", `/api/apiKey/${id}`)), () => ({}), /the API key is wrong, was deleted/, /^give a valid API key/, /the API key is wrong, was deleted/),
    "a key that was disabled": of(key((rest, id) => rest("PUT", `/api/apiKey/${id}/enabled/false`)), () => ({}), /the user or its API key is disabled/, /^give a valid API key/, /its API key is disabled/),
    "a wrong password": of(() => undefined, byPassword("tenant", "secret-of-nobody"), /correct username and password; they are not tried again/, /username and password/, /correct username and password/),
    "a customer's user": { play: () => undefined, settings: byPassword("customer"), doctor: found("log-in", /is a customer's user, who may not create devices/, /use a tenant administrator/), explain: error(/.*/) },
    "the system administrator": { alike, play: () => undefined, settings: byPassword("sysadmin"), doctor: found("log-in", /is the system administrator, who has no devices/, /use the administrator of the tenant/), explain: error(/.*/) },
};

