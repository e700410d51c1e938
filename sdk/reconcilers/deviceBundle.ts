// What has to reach a device: as outputs, and if asked as files, whose changes are noticed.

import { randomUUID } from "node:crypto";
import * as path from "node:path";
import type { dynamic } from "@pulumi/pulumi";
import { certificates } from "../mqtt/pem";
import { shown } from "../printable";
import { UserError, faultOf } from "../userError";
import { aliasOf, type BundledPair, bundleFiles, chainOf, type Endpoint, type Instructions, instructions, nextPairOf, type Stores, storesIn } from "./bundleContent";
import { changesIn, type Digests, digestsOf, removeFolder, writeFolder } from "./bundleFolder";
import { claim } from "./claims";
import { type Reconciler, Unfinished, isUnknown, sameJson, toState } from "./reconciler";
import type { Server, ServerOf } from "./server";

export interface DeviceBundleInputs {
    readonly certificatePem: string;
    readonly chainPem?: string;
    /** Never in outputs: state holds it once more, as the (secret) input. */
    readonly privateKeyPem?: string;
    /** Of the pair that waits to be bound; null in its place where there is none. */
    readonly nextCertificatePem?: string | null;
    readonly nextChainPem?: string | null;
    /** Never in outputs either. */
    readonly nextPrivateKeyPem?: string | null;
    readonly pkcs12Password?: string;
    readonly alias?: string;
    readonly serverChainPem?: string;
    readonly host?: string;
    readonly port?: number;
    readonly topic: string;
    readonly directory?: string;
    readonly deviceDirectory?: string;
    readonly declaredBy: string;
}

export interface DeviceBundleState extends Kept, Instructions {
    readonly stateVersion: 1;
    readonly claim: string;
    /** What the Provider's settings added. */
    readonly endpoint: Endpoint;
    readonly tbServerChainPem?: string;
    /** Base64; secret. */
    readonly pkcs12?: string;
    readonly nextPkcs12?: string;
    /** SHA-256 of each file that was written. */
    readonly files: Digests;
    /** What `read` found changed; it is put right by `update`. */
    readonly changedFiles: Readonly<Record<string, string>>;
}

export function deviceBundle(server: ServerOf, warn: (text: string) => void): Reconciler<DeviceBundleInputs, DeviceBundleState> {
    return {
        async check(_olds, news) {
            return { inputs: news, failures: bundleFailures(news) };
        },

        async diff(_id, state, news) {
            const wanted = withoutKeys(news);
            if (isUnknown(wanted)) return {};
            if (!sameJson(decisive(state), decisive(wanted))) return {};
            // No input of this resource: the Provider's settings, and files that somebody changed.
            const stale = !sameJson(state.endpoint, endpointOf(server(), news)) || Object.keys(state.changedFiles).length > 0;
            return { changes: stale };
        },

        async create(inputs) {
            const id = randomUUID();
            return { id, outs: await deliver(id, inputs, undefined) };
        },

        async read(id, state) {
            if (!state) return {};
            const changedFiles = state.directory === undefined ? {} : await changesIn(path.resolve(state.directory), state.files);
            for (const [name, change] of Object.entries(changedFiles)) warn(`bundle ${named(state)}: ${name} ${change}: "pulumi up" writes it again`);
            return { id, props: toState({ ...state, changedFiles }) };
        },

        async update(id, state, news) {
            const outs = await deliver(id, news, state);
            if (state.directory !== undefined && state.directory !== news.directory) await clear(state);
            return { outs };
        },

        async delete(_id, state) {
            if (state.directory !== undefined) await clear(state);
        },
    };

    async function deliver(id: string, inputs: DeviceBundleInputs, before: DeviceBundleState | undefined): Promise<DeviceBundleState> {
        const endpoint = endpointOf(server(), inputs);
        const files = await bundleFiles(inputs, endpoint, keptStores(before, inputs)).catch((error: unknown) => {
            throw error instanceof UserError ? new UserError(`bundle ${named(inputs)}: ${error.message}`) : error;
        });
        const rest = withoutKeys(inputs);
        const { current, next } = storesIn(files);
        const state = toState<DeviceBundleState>({
            ...rest,
            ...instructions(files, endpoint, inputs.deviceDirectory ?? (inputs.directory === undefined ? "" : path.resolve(inputs.directory)), inputs.topic),
            stateVersion: 1,
            claim: before?.claim ?? randomUUID(),
            endpoint,
            ...(endpoint.serverChainPem === undefined ? {} : { tbServerChainPem: endpoint.serverChainPem }),
            ...(current === undefined ? {} : { pkcs12: current.toString("base64") }),
            ...(next === undefined ? {} : { nextPkcs12: next.toString("base64") }),
            files: inputs.directory === undefined ? {} : digestsOf(files),
            changedFiles: {},
        });
        if (inputs.directory === undefined) return state;
        try {
            await writeFolder(path.resolve(inputs.directory), files, state);
            return state;
        } catch (error) {
            if (!(error instanceof UserError)) throw error;
            const failure = new UserError(`bundle ${named(inputs)}: ${error.message}`);
            if (before) throw failure;
            // Some files may be there already: the engine has to know, so that `destroy` removes them.
            throw new Unfinished(id, rest, { ...state, changedFiles: { [inputs.directory]: "is not complete" } }, failure);
        }
    }

    async function clear(state: DeviceBundleState): Promise<void> {
        const left = await removeFolder(path.resolve(state.directory!), state.files, state.claim);
        for (const file of left) warn(`bundle ${named(state)}: ${file} was changed since it was written, and is left where it is`);
    }
}

function endpointOf({ mqtt }: Server, inputs: DeviceBundleInputs): Endpoint {
    const serverChainPem = inputs.serverChainPem ?? mqtt.caPem;
    return { host: inputs.host ?? mqtt.host, port: inputs.port ?? mqtt.port, ...(serverChainPem === undefined ? {} : { serverChainPem }) };
}

type Kept = Omit<DeviceBundleInputs, "privateKeyPem" | "nextPrivateKeyPem">;

function withoutKeys({ privateKeyPem: _key, nextPrivateKeyPem: _next, ...rest }: DeviceBundleInputs): Kept {
    return rest;
}

/** A key belongs to one certificate, so another key means another certificate. */
const inStore = ({ certificatePem, chainPem }: BundledPair, { pkcs12Password, alias }: Kept) => ({ certificatePem, chainPem, pkcs12Password, alias });

/** The store of the pair that is bound may be the one that was given out as the next one. */
function keptStores(before: DeviceBundleState | undefined, inputs: DeviceBundleInputs): Stores {
    if (!before) return {};
    const nextBefore = nextPairOf(before);
    const made = [{ pair: before, store: before.pkcs12 }, ...(nextBefore ? [{ pair: nextBefore, store: before.nextPkcs12 }] : [])];
    const storeOf = (pair: BundledPair | undefined): Buffer | undefined => {
        const found = pair && made.find(made => made.store !== undefined && sameJson(inStore(made.pair, before), inStore(pair, inputs)))?.store;
        return found === undefined ? undefined : Buffer.from(found, "base64");
    };
    const [current, next] = [storeOf(inputs), storeOf(nextPairOf(inputs))];
    return { ...(current ? { current } : {}), ...(next ? { next } : {}) };
}

const decisive = (inputs: Kept) => {
    const { serverChainPem, host, port, topic, directory, deviceDirectory } = inputs;
    return { ...inStore(inputs, inputs), next: nextPairOf(inputs), serverChainPem, host, port, topic, directory, deviceDirectory };
};

const named = (inputs: Kept): string => JSON.stringify(aliasOf(inputs));

const pairOf = ({ certificatePem, chainPem, privateKeyPem }: BundledPair): BundledPair => ({ certificatePem, ...(chainPem === undefined ? {} : { chainPem }), ...(privateKeyPem === undefined ? {} : { privateKeyPem }) });

function bundleFailures(news: DeviceBundleInputs): dynamic.CheckFailure[] {
    const failures: dynamic.CheckFailure[] = [];
    const fail = (property: string, reason: string) => failures.push({ property, reason });
    const password: unknown = news.pkcs12Password;
    if (password !== undefined && !isUnknown(password)) {
        // Named without its value, which the engine would show.
        if (typeof password !== "string" || !/^[\x20-\x7e]{6,}$/.test(password)) fail("", "pkcs12Password is too short or has other characters than ASCII's: expected at least 6, or Java's keytool can't read the file");
        if (news.privateKeyPem === undefined) fail("", "pkcs12Password is given without a key (privateKeyPem, or a certificate whose key this program makes): a key store without its key serves nobody");
    }
    const { serverChainPem } = news;
    const faults = [
        ...([["current", news], ["next", nextPairOf(news)]] as const).map(([which, pair]) => (pair === undefined || isUnknown(pairOf(pair)) ? undefined : faultOf(() => chainOf(pairOf(pair), which)))),
        serverChainPem === undefined || isUnknown(serverChainPem) ? undefined : faultOf(() => certificates(serverChainPem, "serverChainPem")),
    ];
    for (const fault of faults) if (fault !== undefined) fail("", fault);
    for (const property of ["directory", "deviceDirectory", "host", "topic"] as const) {
        const value: unknown = news[property];
        if (value !== undefined && !isUnknown(value) && (typeof value !== "string" || value.trim() === "" || /[\0\n]/.test(value))) fail(property, `${property} is ${shown(value)}: expected some text on one line`);
    }
    if (news.port !== undefined && !isUnknown(news.port) && !(Number.isInteger(news.port) && news.port > 0 && news.port < 65536)) fail("port", `port is ${shown(news.port)}: expected 1 to 65535`);
    if (news.directory !== undefined && !isUnknown(news.directory)) {
        const other = claim("bundle directory", path.resolve(news.directory), news.declaredBy, news.declaredBy);
        if (other !== undefined) fail("directory", `directory ${JSON.stringify(news.directory)} is also that of ${other} in this program: give each bundle a folder of its own`);
    }
    return failures;
}
