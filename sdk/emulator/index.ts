/**
 * ThingsBoard in one process, as far as a tool can tell that provisions devices: REST, and MQTT over TLS.
 * @module pulumi-thingsboard/emulator
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { createAdminApp } from "./admin";
import { createFaults, type FaultControl, type Faults } from "./faults/faults";
import { createPace, type Pace, type PaceControl } from "./faults/pace";
import { interceptRest } from "./faults/rest";
import { loadKeys, openFolder, saveKeys } from "./folder";
import { openJournal } from "./journal";
import { startMqtt } from "./mqtt/server";
import { createSessions } from "./mqtt/sessions";
import { createAuthority, createServerCertificate, type Rotation } from "./pki";
import { firstApiKey, loadDemoData, TENANT_ADMIN } from "./platform/demoData";
import type { Milliseconds, TenantLimits } from "./platform/entities";
import type { Platform, ThingsBoardEdition, ThingsBoardVersion } from "./platform/platform";
import { createRateLimits } from "./platform/rateLimits";
import { createStore, type StoreChange } from "./platform/store";
import { createApp } from "./rest/app";
import { createTokens } from "./rest/tokens";

export type { Faults, FaultControl, MqttFault, RestFault } from "./faults/faults";
export { REAL_PACE, type Pace, type PaceControl, type Speed } from "./faults/pace";
export type { Rotation } from "./pki";
export type { TenantLimits } from "./platform/entities";
export type { ThingsBoardEdition, ThingsBoardVersion } from "./platform/platform";

/** What `startEmulator` may be told. */
export interface EmulatorOptions {
    /** Port of REST on loopback; 0, the default, is any free one. */
    readonly restPort?: number;
    /** Port of MQTT over TLS, likewise. */
    readonly mqttsPort?: number;
    /** Port of plain MQTT, likewise. */
    readonly mqttPort?: number;
    /** Port of the admin calls, likewise. */
    readonly adminPort?: number;
    /** Keeps data, keys and certificates here over a restart. Without it everything is gone in the end. */
    readonly dir?: string;
    /** Which ThingsBoard to be; "4.3". Older ones are written from the source, not from a running server. */
    readonly version?: ThingsBoardVersion;
    /** "CE". The others are written from their clients and documents, not from a running server. */
    readonly edition?: ThingsBoardEdition;
    /** The platform's clock; `Date.now`. */
    readonly clock?: () => Milliseconds;
    /** What goes wrong from the beginning; nothing. */
    readonly faults?: Faults;
    /** How fast it is; as fast as it can be. */
    readonly pace?: Pace | "real";
    /** Limits of the tenant profile; none. */
    readonly limits?: TenantLimits;
}

/** A running emulator, and the hand on it. */
export interface Emulator {
    /** Address of REST, such as `http://127.0.0.1:40123`. */
    readonly restUrl: string;
    /** Host of MQTT over TLS; its certificate is for this name. */
    readonly mqttsHost: string;
    /** Port of MQTT over TLS. */
    readonly mqttsPort: number;
    /** Port of plain MQTT. */
    readonly mqttPort: number;
    /** The CA of the MQTT server's certificate, and a file with it. */
    readonly caPem: string;
    /** A file with `caPem`. */
    readonly caFile: string;
    /** A tenant administrator. */
    readonly username: string;
    /** The password of `username`. */
    readonly password: string;
    /** An API key of the tenant administrator; empty before version 4.3, which has none. */
    readonly apiKey: string;
    /** Where an emulator in another process is controlled: see docs/emulator.md. */
    readonly adminUrl: string;
    /** The bearer token for `adminUrl`. */
    readonly adminToken: string;
    /** What goes wrong on purpose. */
    readonly faults: FaultControl;
    /** How fast it is. */
    readonly pace: PaceControl;
    /** Sets the tenant profile's limits; those that are left out are none. */
    setLimits(limits: TenantLimits): void;
    /** Ends the life of every access token issued so far. */
    expireTokens(): void;
    /** New connections get the new certificate. `caPem` and the file follow where the CA is new. */
    rotateServerCertificate(rotation?: Rotation): Promise<void>;
    /** What it holds at this moment. */
    status(): EmulatorStatus;
    /** Closes all ports and connections, and removes what it kept in a temporary folder. */
    stop(): Promise<void>;
}

/** What an emulator holds at a moment. */
export interface EmulatorStatus {
    /** Which ThingsBoard it is. */
    readonly version: ThingsBoardVersion;
    /** Which edition it is. */
    readonly edition: ThingsBoardEdition;
    /** Number of devices, of all tenants. */
    readonly devices: number;
    /** Number of device profiles, of all tenants. */
    readonly deviceProfiles: number;
    /** Number of MQTT sessions that are open. */
    readonly sessions: number;
    /** What its clock says (milliseconds since 1970). */
    readonly now: Milliseconds;
}

const HOST = "127.0.0.1";

/**
 * Starts a ThingsBoard in this process, on loopback.
 *
 * @throws Error (`EADDRINUSE`, with `port`) if a port that was asked for is taken; nothing is left open then
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
    const undo: (() => unknown)[] = [];
    try {
        return await start(options, undo);
    } catch (error) {
        for (const step of undo.reverse()) await step();
        throw error;
    }
}

async function start(options: EmulatorOptions, undo: (() => unknown)[]): Promise<Emulator> {
    const folder = openFolder(options.dir);
    undo.push(() => folder.release());
    let keys = await loadKeys(folder);

    let record: (change: StoreChange) => void = () => undefined;
    const store = createStore((change) => record(change));
    const faults = createFaults();
    const clock = options.clock ?? Date.now;
    const platform: Platform = {
        store,
        version: options.version ?? "4.3",
        edition: options.edition ?? "CE",
        listeners: new Set(),
        now: () => clock() + (faults.current.clockOffset ?? 0),
        limits: options.limits ?? {},
    };
    if (folder.isKept) {
        const journal = await openJournal(folder.path, store);
        record = journal.append;
        undo.push(() => journal.close());
    }
    loadDemoData(platform);
    const apiKey = firstApiKey(platform)?.value ?? "";

    const { wait, wakeAll } = createWaiting();
    undo.push(wakeAll);
    const pace = createPace({}, wait);
    if (options.faults) faults.set(options.faults);
    if (options.pace) pace.set(options.pace);

    const sessions = createSessions(platform, faults);
    undo.push(() => sessions.stop());
    const transport = { platform, sessions, pace, limits: createRateLimits(), wait };
    const mqtt = await startMqtt(transport, faults, { mqttPort: options.mqttPort ?? 0, mqttsPort: options.mqttsPort ?? 0, certificate: keys.pki.server });
    undo.push(() => mqtt.stop());

    const caFile = join(folder.path, "ca.pem");
    const writeCertificates = (): void => {
        writeFileSync(caFile, keys.pki.authority.caPem);
        writeFileSync(join(folder.path, "server-chain.pem"), keys.pki.server.chainPem);
    };
    writeCertificates();

    const tokens = createTokens(platform, keys.jwtKey);
    const ports = { mqttsHost: "localhost", mqttsPort: mqtt.mqttsPort, mqttPort: mqtt.mqttPort };
    const addresses = { restUrl: "", chainPem: keys.pki.server.chainPem, ...ports };
    const app = createApp(platform, tokens, () => addresses, interceptRest(faults, pace, wait, platform.now));
    const rest = await serve(app as unknown as Hono, options.restPort ?? 0);
    undo.push(rest.stop);
    addresses.restUrl = rest.url;

    const emulator: { -readonly [K in keyof Emulator]: Emulator[K] } = {
        restUrl: rest.url,
        ...ports,
        get caPem() {
            return keys.pki.authority.caPem;
        },
        caFile,
        ...TENANT_ADMIN,
        apiKey,
        adminUrl: "",
        adminToken: randomBytes(24).toString("base64url"),
        faults,
        pace,
        setLimits: (limits) => {
            platform.limits = limits;
        },
        expireTokens: () => tokens.expireAll(),
        rotateServerCertificate: async (rotation = {}) => {
            const authority = rotation.authority === "new" ? await createAuthority() : keys.pki.authority;
            keys = { ...keys, pki: { authority, server: await createServerCertificate(authority, rotation) } };
            await saveKeys(folder, keys);
            writeCertificates();
            mqtt.use(keys.pki.server);
        },
        status: () => ({
            version: platform.version,
            edition: platform.edition,
            devices: store.devices.size,
            deviceProfiles: store.deviceProfiles.size,
            sessions: sessions.size,
            now: platform.now(),
        }),
        stop: async () => {
            for (const step of undo.splice(0).reverse()) await step();
        },
    };
    const admin = await serve(createAdminApp(emulator), options.adminPort ?? 0);
    undo.push(admin.stop);
    emulator.adminUrl = admin.url;
    return emulator;
}

/** Waiting that an emulator that stops puts an end to. */
function createWaiting(): { wait(time: Milliseconds): Promise<void>; wakeAll(): void } {
    const waiting = new Map<NodeJS.Timeout, () => void>();
    return {
        wait: (time) =>
            new Promise((done) => {
                const timer = setTimeout(() => {
                    waiting.delete(timer);
                    done();
                }, time);
                waiting.set(timer, done);
            }),
        wakeAll: () => {
            for (const [timer, done] of waiting) {
                clearTimeout(timer);
                done();
            }
            waiting.clear();
        },
    };
}

async function serve(app: Hono, port: number): Promise<{ url: string; stop: () => Promise<void> }> {
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    server.keepAliveTimeout = 65_000; // a client's idle connection must not be closed while it is about to use it
    await new Promise<void>((done, fail) => {
        server.once("error", fail);
        server.listen(port, HOST, () => {
            server.off("error", fail);
            done();
        });
    });
    return {
        url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
        stop: () =>
            new Promise((done) => {
                server.close(() => done());
                server.closeAllConnections();
            }),
    };
}
