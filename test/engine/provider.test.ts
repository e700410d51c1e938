// Where URL and credentials come from, and where they go: an explicit Provider, stack config, the environment.

import { afterAll, beforeAll, expect, test } from "vitest";
import { emulated, own } from "./support/live";
import { tb, testStack } from "./support/stack";
import { type ThingsBoardUnderTest, thingsBoard } from "./support/thingsboard";

let server: ThingsBoardUnderTest;
beforeAll(async () => {
    server = await thingsBoard();
});
afterAll(() => server.stop());

/** ThingsBoard's demo password is "tenant", a word that stands in ordinary text. */
const secrets = () => [server.provider.apiKey, server.provider.password].filter(secret => secret !== undefined && secret.length >= 8);

test("stack config names the server; its secrets are encrypted", async () => {
    const name = own("by-config");
    const stack = await testStack({ environment: {} }, async () => void new tb.Device("d", { name }));
    for (const [key, value] of Object.entries(server.provider)) await stack.setConfig(`thingsboard:${key}`, { value, secret: key !== "url" && key !== "username" });
    await stack.up();
    expect(await server.deviceByName(name)).toBeDefined();
    for (const secret of secrets()) expect(stack.rawState()).not.toContain(secret);
    await stack.destroy();
    expect(await server.deviceByName(name)).toBeUndefined();
});

test("what comes from the environment is nowhere in state", async () => {
    const name = own("by-environment");
    const stack = await testStack(server, async () => void new tb.Device("d", { name }));
    await stack.up();
    expect(stack.rawState()).not.toContain(server.provider.url);
    for (const secret of secrets()) expect(stack.rawState()).not.toContain(secret);
});

emulated.test("a new API key updates the Provider and touches no device", async () => {
    const name = own("rotated-key");
    const user = await server.call<{ id: unknown }>("GET", "/api/auth/user");
    const { value } = await server.call<{ value: string }>("POST", "/api/apiKey", { userId: user.id, description: "second", enabled: true, expirationTime: 0 });
    const declare = (apiKey: string) => async () => {
        const provider = new tb.Provider("p", { url: server.provider.url, apiKey });
        new tb.Device("d", { name }, { provider });
    };
    const stack = await testStack({ environment: {} }, declare(server.emulator.apiKey));
    await stack.up();
    stack.program = declare(value);
    expect((await stack.up()).changes).toEqual({ same: 2, update: 1 });
    expect((await stack.preview({ refresh: true, expectNoChanges: true })).changes).toEqual({ same: 3 });
    for (const secret of [value, server.emulator.apiKey]) expect(stack.rawState()).not.toContain(secret);
});
