// The parts of `pulumi-thingsboard fleet` that need no engine.

import { expect, test } from "vitest";
import { shardConfig } from "../../../sdk/cli/fleet/config";
import { createDisplay } from "../../../sdk/cli/fleet/display";
import { stackNames } from "../../../sdk/cli/fleet/stacks";
import { table } from "../../../sdk/cli/fleet/status";

const values = (config: ReturnType<typeof shardConfig>) => Object.fromEntries(Object.entries(config).map(([key, { value }]) => [key, value]));

test("of its own a shard has its place, and its share of what the server bears, and no secret", () => {
    const shared = { "thingsboard:url": { value: "https://tb.example.com" }, "thingsboard:apiKey": { value: "tb_1", secret: true }, "thingsboard:rateLimit": { value: "100" } };
    const config = shardConfig(shared, 3, 16, 4);
    expect(values(config)).toEqual({
        "thingsboard:shard": "3/16",
        "thingsboard:concurrency": "2",
        "thingsboard:deleteConcurrency": "1",
        "thingsboard:rateLimit": "25",
    });
});

test("shares are of those that run at once, and never nothing", () => {
    expect(values(shardConfig({}, 0, 2, 8))).toMatchObject({ "thingsboard:concurrency": "4", "thingsboard:deleteConcurrency": "2" });
    expect(values(shardConfig({}, 0, 100, 50))).toMatchObject({ "thingsboard:concurrency": "1", "thingsboard:deleteConcurrency": "1" });
});

test("without shards the stack itself, with shards a stack for each", () => {
    expect(stackNames({ stack: "prod" })).toEqual(["prod"]);
    expect(stackNames({ stack: "prod", shards: 3 })).toEqual(["prod-0", "prod-1", "prod-2"]);
});

test("one display: a line for each shard that ends, and the sum", () => {
    const lines: string[] = [];
    const display = createDisplay("up", 3, { say: line => lines.push(line), now: () => undefined, live: false });
    for (const shard of ["prod-0", "prod-1", "prod-2"]) display.began(shard);
    display.heard("prod-0", 'fleet "pumps": 1,500 of 2,000 devices, 100 a second, about 5 s left');
    display.done("prod-0", 12.3, { create: 34, same: 0 });
    display.failed("prod-1", "device \"pump-7\": refused", "prod-1-up.log");
    display.done("prod-2", 3, {});
    expect(display.end()).toEqual([
        { stack: "prod-0", ok: true, seconds: 12.3, changes: { create: 34, same: 0 } },
        { stack: "prod-1", ok: false, reason: 'device "pump-7": refused', log: "prod-1-up.log" },
        { stack: "prod-2", ok: true, seconds: 3, changes: {} },
    ]);
    expect(lines).toEqual([
        "prod-0: up done in 12 s (34 create)",
        'prod-1: up failed: device "pump-7": refused (prod-1-up.log)',
        "prod-2: up done in 3 s (nothing to do)",
        expect.stringMatching(/^up: 2 of 3 shards done, 1 failed \(prod-1\), in \d+ s$/),
    ]);
});

test("a table in columns", () => {
    expect(table([["stack", "devices"], ["prod-0", "1,000"]])).toBe("stack   devices\nprod-0    1,000");
});
