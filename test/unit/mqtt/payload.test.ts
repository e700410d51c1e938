import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deviceMessage, gatewayMessage, marker, markerKey } from "../../../sdk/mqtt/payload";

const profile = { name: "pumps" };

it("makes a marker that ThingsBoard can't take for a number", () => {
    fc.assert(fc.property(fc.uuid(), uuid => Number.isNaN(Number(marker(() => uuid)))));
    expect(marker()).not.toBe(marker());
});

describe("a device's message", () => {
    it.each([
        ["the usual topic", undefined, undefined, "v1/devices/me/telemetry"],
        ["the topic of its profile", { ...profile, telemetryTopic: "pumps/telemetry", payloadType: "JSON" }, undefined, "pumps/telemetry"],
        ["the topic that was asked for", { ...profile, telemetryTopic: "pumps/telemetry" }, "v2/t", "v2/t"],
        ["the topic that takes JSON under a Protobuf profile", { ...profile, telemetryTopic: "pumps/telemetry", payloadType: "PROTOBUF" }, undefined, "v2/t/j"],
    ])("goes to %s", (_which, profile, asked, topic) => {
        expect(deviceMessage("pulumi-x", profile, asked)).toEqual({ topic, payload: `{"${markerKey}":"pulumi-x"}` });
    });

    it("can't be formed for a Protobuf topic", () => {
        expect(() => deviceMessage("pulumi-x", { ...profile, payloadType: "PROTOBUF" }, "pumps/telemetry")).toThrow(
            'device profile "pumps" takes Protobuf on topic pumps/telemetry, which can\'t be formed without its schema: ' +
                'leave the topic out (the check then publishes JSON to v2/t/j), give a payload, or use mode "connect"',
        );
    });
});

it("is wrapped in the device's name where a gateway publishes", () => {
    fc.assert(
        fc.property(fc.string(), name => {
            const { topic, payload } = gatewayMessage("pulumi-x", name);
            expect(topic).toBe("v1/gateway/telemetry");
            expect(Object.entries(JSON.parse(payload) as object)).toEqual([[name, [{ [markerKey]: "pulumi-x" }]]]);
        }),
    );
});
