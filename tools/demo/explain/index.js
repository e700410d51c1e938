// The program behind the explanations: whatever the plan asks for, which is mostly what can't work.

const tb = require("pulumi-thingsboard");

/** @type {import("../explain.mjs").Plan} */
const plan = JSON.parse(process.env.EXPLAIN ?? "{}");

/** @param {string} name @param {object} [args] */
const provider = (name, args) => (args ? { provider: new tb.Provider(name, args) } : {});

for (const { name, server } of plan.devices ?? []) new tb.Device(name, { name }, provider(name, server));
if (plan.certificatePem) new tb.DeviceCredential("pump-7", { deviceName: "pump-7", certificatePem: plan.certificatePem });

exports.messages = {};
if (plan.checks) {
    const device = new tb.Device("pump-1", { name: "pump-1" });
    const certificate = new tb.DeviceCertificate("pump-1", { commonName: "pump-1" });
    const credential = new tb.DeviceCredential("pump-1", { device, certificate });
    /** @type {import("@pulumi/pulumi").Resource} */
    let last = credential;
    for (const { name, server, args } of plan.checks) {
        // One after the other: ThingsBoard keeps one session per device.
        const opts = { ...provider(name, server), dependsOn: [last] };
        // So that one refusal does not hide the next; by default a refusal fails the deployment.
        const check = new tb.PublishCheck(name, { credential, certificate, onFailure: "warn", timeout: 3, ...args }, opts);
        last = check;
        exports.messages[name] = check.message;
    }
}
