import * as pulumi from "@pulumi/pulumi";
import type { DeviceCertificate } from "./deviceCertificate";
import { DynamicResource, declaredBy } from "./dynamicResource";
import type { ServerChain } from "./serverChain";

/** Arguments of `DeviceBundle`. */
export interface DeviceBundleArgs {
    /** The device's certificate and, where this program makes it, its key. Otherwise give `certificatePem`. */
    certificate?: DeviceCertificate;
    /** The device's certificate: one PEM block. */
    certificatePem?: pulumi.Input<string>;
    /** The certificate and those above it, the root last (PEM). */
    chainPem?: pulumi.Input<string>;
    /** The key of the certificate (PEM). Stored as a secret. Without it the bundle has no `key.pem`: the device has it. */
    privateKeyPem?: pulumi.Input<string>;
    /** Makes a PKCS#12 of key and certificates (`device.p12`) under this password: ASCII, at least 6 characters. Stored as a secret. */
    pkcs12Password?: pulumi.Input<string>;
    /**
     * Name of the entry in the PKCS#12.
     * @default the certificate's common name
     */
    alias?: pulumi.Input<string>;
    /**
     * Whom the device trusts for the MQTT server's certificate: becomes `tb-server-chain.pem`.
     * @default the Provider's `mqttCaPem`; none where the server's certificate is from a public authority
     */
    serverChain?: ServerChain;
    /** The same as text (PEM). */
    serverChainPem?: pulumi.Input<string>;
    /**
     * Host where the device connects.
     * @default the Provider's `mqttHost`
     */
    host?: pulumi.Input<string>;
    /**
     * Port of MQTT over TLS.
     * @default the Provider's `mqttPort`
     */
    port?: pulumi.Input<number>;
    /**
     * Topic of the command that publishes.
     * @default "v1/devices/me/telemetry"
     */
    topic?: pulumi.Input<string>;
    /**
     * Folder on this machine to write the files to, from the program's folder. It is made with mode 0700, and its files
     * with 0600; one that is there already must not be open to others. Files that somebody changes are noticed by
     * `pulumi preview --refresh`, and `pulumi destroy` removes them.
     */
    directory?: pulumi.Input<string>;
    /**
     * Folder where the files will be on the device, for the commands and configurations.
     * @default `directory`, or else the current folder
     */
    deviceDirectory?: pulumi.Input<string>;
}

/**
 * What has to reach a device, in the forms in which clients take it: as outputs and, with `directory`, as files.
 *
 * ```ts
 * const bundle = new tb.DeviceBundle("pump-1", { certificate, directory: "out/pump-1", pkcs12Password: config.requireSecret("password") });
 * export const publish = bundle.mosquittoPub; // mosquitto_pub --cafile out/pump-1/tb-server-chain.pem …
 * ```
 *
 * Files: `key.pem`, `cert.pem`, `chain.pem` (where an authority signed), `tb-server-chain.pem` and `device.p12`. They
 * are written on the machine that runs `pulumi up`: in a pipeline, use the outputs or keep the folder as an artefact.
 *
 * Where `certificate` has `renewal: "staged"` and its next pair waits to be bound, that is in the bundle too, for the device
 * to receive in time: `next-key.pem`, `next-cert.pem`, `next-chain.pem` and `next-device.p12`. With its binding it takes
 * the place of the others, byte by byte, and the `next-…` files are gone.
 */
export class DeviceBundle extends DynamicResource {
    /** ThingsBoard's guide to certificates ends with this command: publishes one temperature as the device. */
    declare readonly mosquittoPub: pulumi.Output<string>;
    /** The part `thingsboard` of ThingsBoard IoT Gateway's `tb_gateway.json`: host, port and security. */
    declare readonly gatewayConfiguration: pulumi.Output<{ host: string; port: number; security: Record<string, string> }>;
    /** The same as environment variables of the gateway (`TB_GW_HOST`, `TB_GW_CA_CERT`, …), which go before its file. */
    declare readonly gatewayEnvironment: pulumi.Output<Record<string, string>>;
    /** Whom the device trusts for the MQTT server's certificate: `tb-server-chain.pem`. Undefined where that is from a public authority. */
    declare readonly tbServerChainPem: pulumi.Output<string | undefined>;
    /** The PKCS#12 as base64. Secret. */
    declare readonly pkcs12: pulumi.Output<string | undefined>;
    /** The PKCS#12 of the next pair (`renewal: "staged"`), as long as that waits to be bound: base64. Secret. */
    declare readonly nextPkcs12: pulumi.Output<string | undefined>;
    /** SHA-256 of each file that was written, by its name. */
    declare readonly files: pulumi.Output<Record<string, string>>;

    constructor(name: string, args: DeviceBundleArgs, opts?: pulumi.CustomResourceOptions) {
        const { certificate, serverChain, pkcs12Password, ...rest } = args;
        const alone = (what: string, one: unknown, others: readonly unknown[]) => {
            if (one !== undefined && others.some(other => other !== undefined)) throw new pulumi.RunError(`DeviceBundle "${name}" has its ${what} twice: give one of the two`);
        };
        alone("certificate", certificate, [args.certificatePem, args.chainPem, args.privateKeyPem]);
        alone("server chain", serverChain, [args.serverChainPem]);
        if (certificate === undefined && args.certificatePem === undefined) throw new pulumi.RunError(`DeviceBundle "${name}" needs certificate or certificatePem: none is given`);
        const outputs = { mosquittoPub: undefined, gatewayConfiguration: undefined, gatewayEnvironment: undefined, tbServerChainPem: undefined, pkcs12: undefined, nextPkcs12: undefined, files: undefined };
        const inputs = {
            topic: "v1/devices/me/telemetry",
            ...rest,
            ...(certificate ? pairsOf(certificate) : {}),
            ...(serverChain ? { serverChainPem: serverChain.chainPem } : {}),
            ...(pkcs12Password === undefined ? {} : { pkcs12Password: pulumi.secret(pkcs12Password) }),
            ...(args.privateKeyPem === undefined ? {} : { privateKeyPem: pulumi.secret(args.privateKeyPem) }),
            declaredBy: declaredBy(name),
        };
        super("DeviceBundle", 1, name, { ...outputs, ...inputs }, pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKeyPem", "pkcs12Password", "pkcs12", "nextPrivateKeyPem", "nextPkcs12"] }));
    }
}

/** The pair that is bound, and the one that waits for it. */
function pairsOf({ certificatePem, chainPem, key, staged, nextCertificatePem, nextChainPem, nextPrivateKeyPem }: DeviceCertificate): pulumi.Inputs {
    return {
        certificatePem,
        chainPem,
        ...(key ? { privateKeyPem: key } : {}),
        ...(staged ? { nextCertificatePem, nextChainPem, ...(key ? { nextPrivateKeyPem } : {}) } : {}),
    };
}
