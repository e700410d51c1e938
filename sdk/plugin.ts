// What the engine runs. The text in each resource's state requires this module, so its `reconciler` stays for ever.

import type { dynamic } from "@pulumi/pulumi";
import { now } from "./clock";
import { activation } from "./reconcilers/activation";
import { device } from "./reconcilers/device";
import { deviceBundle } from "./reconcilers/deviceBundle";
import { deviceCredential } from "./reconcilers/deviceCredential";
import { deviceProfile } from "./reconcilers/deviceProfile";
import { enrolmentCheck } from "./reconcilers/enrolmentCheck";
import { fleetBatch } from "./reconcilers/fleetBatch";
import { fleetMembership } from "./reconcilers/fleetMembership";
import { kindFailures } from "./reconcilers/inputKinds";
import { publishCheck } from "./reconcilers/publishCheck";
import { renewal } from "./reconcilers/renewal";
import type { Server } from "./reconcilers/server";
import { serverChain } from "./reconcilers/serverChain";
import { printable } from "./printable";
import { serverFrom } from "./serverFrom";
import { settingKeys, readSettings, type SettingTexts } from "./settings";
import { UserError } from "./userError";

type Provider = Required<Omit<dynamic.ResourceProvider, "configure">> & Pick<dynamic.ResourceProvider, "configure">;

/** The engine shows what a plugin prints to standard error. */
const say = (text: string) => console.error(printable(text));

function warn(text: string): void {
    if (!warned.has(text)) say(`warning: ${text}`);
    warned.add(text);
}

/** `check` may be called more than once for a resource. */
const warned = new Set<string>();

/** A server that is down or limits requests is told of by every call in flight: one line in five seconds is enough. */
function seldom(log: (text: string) => void): (text: string) => void {
    let last = -Infinity;
    return text => {
        if (performance.now() - last < 5000) return;
        last = performance.now();
        log(text);
    };
}

/** By type, then by protocol: the number that each resource's state carries. An entry is never removed. */
const reconcilers: Readonly<Record<string, Readonly<Record<number, () => Provider>>>> = {
    Device: { 1: () => device(server, warn) as Provider },
    Activation: { 1: () => activation(now) as Provider },
    DeviceBundle: { 1: () => deviceBundle(server, warn) as Provider },
    DeviceCredential: { 1: () => deviceCredential(server, now, warn) as Provider },
    DeviceProfile: { 1: () => deviceProfile(server, now) as Provider },
    EnrolmentCheck: { 1: () => enrolmentCheck(server, warn, now) as Provider },
    Renewal: { 1: () => renewal(now) as Provider },
    FleetBatch: { 1: () => fleetBatch(server, say, now, warn) as Provider },
    FleetMembership: { 1: () => fleetMembership() as Provider },
    PublishCheck: { 1: () => publishCheck(server, warn) as Provider },
    ServerChain: { 1: () => serverChain(server, warn, now) as Provider },
};

/** @internal Whatever may be in a stack's state. */
export const resourceTypes: readonly string[] = Object.keys(reconcilers);

/** These know the time, and no server. */
const serverless: ReadonlySet<string> = new Set(["Activation", "Renewal"]);

/** One process serves one provider resource, explicit or default: so one configuration, and one client for all types. */
let given: SettingTexts = {};
let current: Server | undefined;

/** @throws Error asking for an upgrade where an older package meets newer state. */
export function reconciler(type: string, protocol: number): dynamic.ResourceProvider {
    const make = reconcilers[type]?.[protocol];
    if (!make) {
        throw plain(new UserError(`this stack was deployed by a newer pulumi-thingsboard (${type}, protocol ${protocol}), which this one can't read: run "npm install pulumi-thingsboard@latest"`));
    }
    const provider = make();
    return {
        // Nothing may be awaited in here: the engine hands out the provider before it awaits this.
        async configure({ config }) {
            given = Object.fromEntries(settingKeys.flatMap(key => {
                const value = config.get(`thingsboard:${key}`);
                return value === undefined ? [] : [[key, value]];
            }));
            current = undefined;
        },
        async check(olds: unknown, news: object) {
            const ofAnotherKind = kindFailures(type, news);
            if (ofAnotherKind.length > 0) return { inputs: news, failures: ofAnotherKind };
            const { failures = [], ...result } = await plainly(() => provider.check(olds, news));
            const all = [...(serverless.has(type) ? [] : settingsFailures()), ...failures];
            return { ...result, failures: all.map(withoutValue) };
        },
        diff: (id, olds, news) => plainly(() => provider.diff(id, olds, news)),
        create: inputs => plainly(() => provider.create(inputs)),
        read: (id, state) => plainly(() => provider.read(id, state)),
        update: (id, olds, news) => plainly(() => provider.update(id, olds, news)),
        delete: (id, state) => plainly(() => provider.delete(id, state)),
    };
}

function server(): Server {
    current ??= serverFrom(readSettings(given, process.env), seldom(say));
    return current;
}

/**
 * Given a property, the engine prints its value in front of the reason: pages of PEM, and a private key where one was
 * given as the certificate. The reasons name field and value themselves, as far as they may be shown.
 */
const withoutValue = ({ reason }: dynamic.CheckFailure): dynamic.CheckFailure => ({ property: "", reason: printable(reason) });

/** So that preview already says that no server is configured. */
function settingsFailures(): dynamic.CheckFailure[] {
    try {
        server();
        return [];
    } catch (error) {
        if (error instanceof UserError) return [{ property: "provider", reason: error.message }];
        throw error;
    }
}

/** The SDK prints the stack of what `check`, `diff`, `read` and `delete` throw; a sentence for the user needs none. */
async function plainly<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
        return await run();
    } catch (error) {
        throw plain(error);
    }
}

function plain(error: unknown): unknown {
    if (error instanceof UserError) error.stack = error.message;
    return error;
}
