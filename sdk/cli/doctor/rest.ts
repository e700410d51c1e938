// The REST side: does ThingsBoard answer, which one is it, who are we there, what may we do, what time is it.
import { cloudMqttHosts } from "../../cloud";
import { duration } from "../../mqtt/wording";
import type { Settings } from "../../settings";
import { type ApiError, isApiError, type ThingsBoard } from "../../thingsboard";
import type { CurrentUser, SystemInfo, Usage } from "../../thingsboard/model";
import { failure, type Finding, ok, warning } from "../frame/findings";

export interface RestReport {
    readonly url: string;
    readonly answeredInMs: number;
    readonly version?: string;
    readonly edition?: string;
    readonly user: { readonly email: string; readonly authority: string };
    readonly usage?: Usage;
    /** How far the server's clock is ahead of this machine's. */
    readonly clockSkewMs?: number;
    /** A call was answered "too many requests". */
    readonly rateLimited: boolean;
}

/** @param waited what the client said of calls that it made again, so far @returns undefined where nobody let us in */
export async function examineRest(settings: Settings, thingsboard: ThingsBoard, waited: readonly string[], tell: (...findings: readonly Finding[]) => void): Promise<RestReport | undefined> {
    const began = performance.now();
    let user: CurrentUser;
    try {
        user = await thingsboard.currentUser();
    } catch (error) {
        if (!isApiError(error)) throw error;
        tell(unanswered(error));
        return undefined;
    }
    const answeredInMs = Math.round(performance.now() - began);
    tell(ok("address", `${settings.url} answers (log-in and first call: ${answeredInMs} ms)`));
    const { answer: info, unread: noVersion } = await asked("version", "its version", () => thingsboard.systemInfo());
    const edition = editionOf(info, new URL(settings.url).hostname);
    tell(noVersion ?? versionFinding(info?.version, edition), rights(user, settings, edition));
    const { answer: usage, unread: noUsage } = user.authority === "TENANT_ADMIN" ? await asked("device limit", "what the tenant uses", () => thingsboard.usage()) : {};
    const skew = thingsboard.clockSkewMs();
    const rateLimited = waited.some(text => /Too many requests|answers 429/.test(text));
    tell(...(noUsage ? [noUsage] : limits(usage)), rates(rateLimited, settings), ...(skew === undefined ? [] : [clock(skew)]));
    return {
        url: settings.url,
        answeredInMs,
        ...(info === undefined ? {} : { version: info.version }),
        ...(edition === undefined ? {} : { edition }),
        user: { email: user.email, authority: user.authority },
        ...(usage === undefined ? {} : { usage }),
        ...(skew === undefined ? {} : { clockSkewMs: Math.round(skew) }),
        rateLimited,
    };
}

/** Why nobody could tell who is asking: nothing else can be asked then. */
function unanswered(error: ApiError): Finding {
    const { kind, message, what = message, remedy } = error;
    const why = remedy === undefined ? what : `${what}: ${remedy}`;
    switch (kind) {
        case "unauthorized":
            return failure("log-in", why, "give a valid API key as apiKey (THINGSBOARD_API_KEY), or username and password, of an administrator of the tenant that the devices belong to");
        case "forbidden":
            return failure("log-in", what, remedy);
        case "rateLimited":
            return failure("rate limit", why, "wait a minute and run it again; for deployments set rateLimit below the tenant's limit, or have that raised");
        case "notFound":
            return failure("address", what, "see that url is ThingsBoard's own address, and that the user of this log-in still exists");
        case "server":
            return failure("address", why, lookAtServer);
        default:
            return failure("address", what, remedy);
    }
}

/** What ThingsBoard does not tell this user is no fault of its; that it can't be asked is one. */
async function asked<Answer>(check: string, what: string, question: () => Promise<Answer | undefined>): Promise<{ readonly answer?: Answer | undefined; readonly unread?: Finding }> {
    try {
        return { answer: await question() };
    } catch (error) {
        if (!isApiError(error)) throw error;
        return isApiError(error, "forbidden", "unsupported", "notFound") ? {} : { unread: unread(check, what, error) };
    }
}

/** A deployment asks more than this, and would fail or wait where this did. */
export const unread = (check: string, what: string, { kind, message, what: happened = message, remedy }: ApiError): Finding =>
    warning(check, `${what} could not be read: ${happened}`, kind === "server" || remedy === undefined ? lookAtServer : remedy);

const lookAtServer = "see that ThingsBoard runs, look at its log, and run it again";

const editions: Readonly<Record<string, string>> = { CE: "Community Edition", PE: "Professional Edition", PAAS: "Cloud", EDGE: "Edge" };

/** An Edge says of itself what the edition says that it was built from: nothing that a tenant can read tells it apart. */
function editionOf(info: SystemInfo | undefined, host: string): string | undefined {
    if (host === "thingsboard.cloud" || host.endsWith(".thingsboard.cloud")) return "Cloud";
    if (info?.type !== undefined) return editions[info.type.toUpperCase()] ?? info.type;
    if (info === undefined) return undefined;
    return /pe$/i.test(info.version) ? editions["PE"] : undefined;
}

function versionFinding(version: string | undefined, edition: string | undefined): Finding {
    if (version === undefined) return ok("version", `ThingsBoard${edition === undefined ? "" : `, ${edition}`}; which version, it does not tell this user`);
    const [major = NaN, minor = NaN] = version.split(".").map(part => parseInt(part, 10));
    const before = (wantedMajor: number, wantedMinor: number) => major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
    const named = `ThingsBoard ${version}${edition === undefined ? "" : `, ${edition}`}`;
    if (before(3, 5)) return warning("version", `${named}: without MQTT 5 and the X.509 chain strategy, and never tried with this package`, "upgrade to 3.5 or later");
    if (before(3, 8)) return warning("version", `${named} does not notice when two write the same device at once: the last one wins`, "let nobody else write devices during a deployment, or upgrade to 3.8 or later");
    return ok("version", named);
}

function rights({ authority, email }: CurrentUser, { credentials }: Settings, edition: string | undefined): Finding {
    const by = "apiKey" in credentials ? "an API key" : "user name and password";
    switch (authority) {
        case "TENANT_ADMIN": {
            const role = edition === "Professional Edition" || edition === "Cloud" ? "; the role must let it read and write devices and their credentials, and read device profiles" : "";
            return ok("log-in", `${email}, a tenant administrator, by ${by}${role}`);
        }
        case "CUSTOMER_USER":
            return failure("log-in", `${email} is a customer's user, who may not create devices or write credentials`, "use a tenant administrator, or the API key of one");
        case "SYS_ADMIN":
            return failure("log-in", `${email} is the system administrator, who has no devices`, "use the administrator of the tenant that the devices belong to, or the API key of one");
    }
}

function limits(usage: Usage | undefined): Finding[] {
    if (!usage) return [ok("device limit", "not told to this user: a tenant that may have no more devices answers 403")];
    const { devices, maxDevices, transportMessages = 0, maxTransportMessages = 0 } = usage;
    const count = (number: number) => number.toLocaleString("en");
    const all = `${count(devices)} device${devices === 1 ? "" : "s"}`;
    const found: Finding[] = [];
    if (maxDevices === 0) found.push(ok("device limit", `${all}, and no limit`));
    else if (devices >= maxDevices) found.push(failure("device limit", `the tenant has ${all} and may have no more than ${count(maxDevices)}`, "remove some, or have maxDevices of its tenant profile raised"));
    else if (devices >= maxDevices * nearly) found.push(warning("device limit", `${count(devices)} of ${count(maxDevices)} devices`, `there is room for ${count(maxDevices - devices)} more: have maxDevices of the tenant profile raised before a larger fleet is deployed`));
    else found.push(ok("device limit", `${count(devices)} of ${count(maxDevices)} devices`));
    if (maxTransportMessages > 0 && transportMessages >= maxTransportMessages) {
        found.push(failure("messages", `all ${count(maxTransportMessages)} messages of this month are used: ThingsBoard refuses sessions with "server unavailable"`, "wait for the next month, or have the limit of the tenant profile raised"));
    }
    return found;
}

const nearly = 0.9;

/** Rate limits are in the tenant profile, which only the system administrator may read. */
function rates(met: boolean, { rateLimit, url }: Settings): Finding {
    const cloud = cloudMqttHosts.has(new URL(url).hostname);
    const kept = rateLimit === undefined ? (cloud ? "25 calls a second and 900 a minute are kept to, as Cloud documents its limits" : "rateLimit is not set, and a tenant can't read its limits") : `${rateLimit} calls a second are kept to (rateLimit)`;
    if (met) return warning("rate limit", `ThingsBoard answered "too many requests" to the few calls of this command; ${kept}`, "set rateLimit below the tenant's limit, which the system administrator can read, or have it raised: deployments go on, but wait");
    return ok("rate limit", `no call was refused for its rate; ${kept}`);
}

/** A second for the header's own unit, and one for the way. */
const unnoticed = 2000;
/** For so long a publish check waits for a certificate to become valid. */
const waitedFor = 30_000;

function clock(skew: number): Finding {
    const off = `the server's clock is ${duration(skew)} ${skew < 0 ? "behind" : "ahead of"} this machine's`;
    if (Math.abs(skew) < unnoticed) return ok("clock", "the server's clock and this machine's agree");
    if (skew < -waitedFor) return failure("clock", `${off}: a certificate that is issued now is not yet valid there, and its device is refused for that long`, "set both by NTP");
    if (skew < 0) return warning("clock", `${off}: a certificate that is issued now is valid there only then; the publish check waits for it`, "set both by NTP");
    return skew > 5 * 60_000 ? warning("clock", `${off}: certificates end there that much earlier`, "set both by NTP") : ok("clock", `${off}, which does no harm: certificates end there that much earlier`);
}
