// The tests that mutations are tried on (stryker.config.mjs): those that look at one file's decisions. What needs a server
// would notice more, and take days.

import { defineConfig } from "vitest/config";

export default defineConfig({
    test: {
        include: [
            "test/unit/x509/*.test.ts",
            "test/unit/thingsboard/{limits,pace}.test.ts",
            "test/unit/reconcilers/{badInput,deviceProfileInputs,inputs,ownership,renewal}.test.ts",
            "test/unit/fleet/{inputs,membership,plan}.test.ts",
            "test/unit/security/keys.test.ts",
        ],
        // Where a change lets a test wait for ever, this is what it costs.
        testTimeout: 8_000,
        hookTimeout: 30_000,
    },
});
