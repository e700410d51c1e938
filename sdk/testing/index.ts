/**
 * Tests of a fleet's program without a server: an emulated ThingsBoard and a Pulumi stack, both gone afterwards.
 * @module pulumi-thingsboard/testing
 */

import { type EmulatorOptions, type Emulator, startEmulator } from "../emulator";
import { type PublishAnswer, publishAs } from "./publish";
import { type CredentialsSeen, type DeviceSeen, tenant } from "./tenant";
import { type Config, type Deployment, type Program, workspace } from "./workspace";

export { DeploymentError } from "./workspace";
export type { Config, Deployment, Operation, Program } from "./workspace";
export { RestError } from "./tenant";
export type { CredentialsSeen, DeviceSeen } from "./tenant";
export type { PublishAnswer } from "./publish";

/** Version, edition, clock, faults and limits of the ThingsBoard to be tested against: what `startEmulator` takes. */
export interface ThingsBoardTestOptions extends EmulatorOptions {
    /**
     * Set for the program and the plugins, on top of this process's own environment.
     * @default none: the URL, the API key and the MQTT port of the emulator are set anyway
     */
    readonly environment?: Readonly<Record<string, string>>;
}

/** What a deployment may be given. */
export interface DeployOptions {
    /**
     * Stack config, as `pulumi config set` sets it. It stays for the deployments that follow.
     * @default none
     */
    readonly config?: Config;
}

/** Key and certificate of a device, as the program's outputs have them. */
export interface DevicePair {
    /** The certificate (PEM); under a chain profile followed by those above it. */
    readonly certificatePem: string;
    /** The key of that certificate (PEM). */
    readonly privateKeyPem: string;
}

/**
 * An emulated ThingsBoard, and a stack that is deployed to it.
 *
 * Of the environment, programs and plugins get `THINGSBOARD_URL` and all that belongs to it from here, and none of the
 * `THINGSBOARD_…` variables that are set outside. The stack's backend is a temporary folder.
 */
export interface ThingsBoardTest extends AsyncDisposable {
    /** Faults, limits, clock, server certificate: see docs/emulator.md. */
    readonly emulator: Emulator;
    /**
     * Deploys the program; without one, the program of the call before.
     * @throws DeploymentError with what Pulumi showed
     */
    up(program?: Program, options?: DeployOptions): Promise<Deployment>;
    /**
     * What `up` would do.
     * @throws DeploymentError with what Pulumi showed
     */
    preview(program?: Program, options?: DeployOptions): Promise<Deployment>;
    /**
     * Takes what ThingsBoard has into the state; the next `up` then puts it right.
     * @throws DeploymentError with what Pulumi showed
     */
    refresh(): Promise<Deployment>;
    /**
     * `pulumi preview --refresh --expect-no-changes` with the program of the call before.
     * @throws DeploymentError that shows what would change
     */
    expectNoChanges(): Promise<void>;
    /**
     * Not needed at the end of a test: `stop` lets everything go.
     * @throws DeploymentError with what Pulumi showed
     */
    destroy(): Promise<Deployment>;
    /** All devices of the tenant, by name. */
    devices(): Promise<DeviceSeen[]>;
    /** One device by its exact name, or undefined. */
    device(name: string): Promise<DeviceSeen | undefined>;
    /**
     * What the device has to show to be let in.
     * @throws Error if there is no such device
     */
    credentials(name: string): Promise<CredentialsSeen>;
    /**
     * The latest value of a telemetry key, or undefined.
     * @throws Error if there is no such device
     */
    telemetry(name: string, key: string): Promise<unknown>;
    /**
     * Connects as the device over mutual TLS, publishes with QoS 1 and waits for the PUBACK. A refusal is an answer, not an
     * error. A PUBACK means queued: poll `telemetry` for the value.
     * @param payload JSON for `v1/devices/me/telemetry`; `{}` by default
     */
    publishAs(name: string, pair: DevicePair, payload?: object): Promise<PublishAnswer>;
    /**
     * One REST call as the tenant's administrator, for what somebody does by hand; the parsed answer.
     * @throws RestError with the HTTP status for anything but 2xx
     */
    call<Answer = unknown>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<Answer>;
    /** Ends the emulator and removes the stack. Also done by `await using`. */
    stop(): Promise<void>;
}

/**
 * Starts an emulated ThingsBoard for a test.
 *
 * ```ts
 * import { startThingsBoard } from "pulumi-thingsboard/testing";
 *
 * const thingsboard = await startThingsBoard();
 * const { outputs } = await thingsboard.up(async () => {
 *     new tb.Device("pump-1", { name: "pump-1" });
 * });
 * await thingsboard.device("pump-1");       // { name: "pump-1", … }
 * await thingsboard.expectNoChanges();
 * await thingsboard.stop();
 * ```
 *
 * A program is a function, or `{ workDir: "../fleet" }` for a project's folder. Needs `pulumi` on PATH.
 *
 * @throws UserError if there is no `pulumi` on PATH
 */
export async function startThingsBoard(options: ThingsBoardTestOptions = {}): Promise<ThingsBoardTest> {
    const { environment = {}, ...emulated } = options;
    const emulator = await startEmulator(emulated);
    try {
        const stack = await workspace({ ...settingsFor(emulator), ...environment });
        const { call, devices, device, credentials, telemetry } = tenant(emulator);
        const stop = async () => {
            try {
                stack.remove();
            } finally {
                await emulator.stop();
            }
        };
        return {
            emulator,
            up: (program, options) => stack.up(program, options?.config),
            preview: (program, options) => stack.preview(program, options?.config),
            refresh: () => stack.refresh(),
            expectNoChanges: () => stack.expectNoChanges(),
            destroy: () => stack.destroy(),
            devices,
            device,
            credentials,
            telemetry,
            publishAs: async (name, pair, payload = {}) => publishAs(emulator, name, pair, payload, (await device(name)) && (await credentials(name))),
            call,
            stop,
            [Symbol.asyncDispose]: stop,
        };
    } catch (error) {
        await emulator.stop();
        throw error;
    }
}

/** Where the emulator is, as programs read it. */
function settingsFor(emulator: Emulator): Record<string, string> {
    const { restUrl, apiKey, username, password, mqttsHost, mqttsPort, caPem } = emulator;
    return {
        THINGSBOARD_URL: restUrl,
        ...(apiKey === "" ? { THINGSBOARD_USERNAME: username, THINGSBOARD_PASSWORD: password } : { THINGSBOARD_API_KEY: apiKey }),
        THINGSBOARD_MQTT_HOST: mqttsHost,
        THINGSBOARD_MQTT_PORT: String(mqttsPort),
        THINGSBOARD_MQTT_CA_PEM: caPem,
    };
}
