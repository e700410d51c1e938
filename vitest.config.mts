import { defineConfig } from "vitest/config";

const seconds = 1000;

export default defineConfig({
    test: {
        // Each test file of test/engine runs several processes of its own.
        maxWorkers: 2,
        coverage: {
            provider: "v8",
            include: ["sdk/**/*.ts"],
            // Run by tests of test/engine and by commands, as they are built and in processes of their own.
            exclude: ["sdk/resources/**", "sdk/cli/**", "sdk/report/{page/**,live.ts,html.ts}", "sdk/testing/**", "sdk/mqtt/inspect.ts", "sdk/index.ts", "sdk/provider.ts"],
            reporter: ["text-summary", "json-summary", "html"],
            reportOnFailure: true,
            // A little below what was measured.
            thresholds: {
                "sdk/x509/**": { statements: 98, branches: 96, functions: 98, lines: 98 },
                "sdk/thingsboard/**": { statements: 96, branches: 93, functions: 95, lines: 97 },
                "sdk/mqtt/**": { statements: 97, branches: 91, functions: 97, lines: 98 },
                "sdk/reconcilers/**": { statements: 89, branches: 82, functions: 95, lines: 92 },
                "sdk/emulator/**": { statements: 90, branches: 82, functions: 88, lines: 93 },
                statements: 91, branches: 85, functions: 92, lines: 94,
            },
        },
        projects: [
            {
                test: {
                    name: "unit",
                    include: ["test/**/*.test.ts"],
                    exclude: ["test/contract/**", "test/engine/**"],
                    testTimeout: 15 * seconds,
                    hookTimeout: 30 * seconds,
                },
            },
            {
                test: {
                    name: "contract",
                    include: ["test/contract/**/*.test.ts"],
                    testTimeout: 60 * seconds,
                    hookTimeout: 60 * seconds,
                },
            },
            {
                test: {
                    name: "engine",
                    include: ["test/engine/**/*.test.ts"],
                    testTimeout: 240 * seconds,
                    hookTimeout: 120 * seconds,
                },
            },
        ],
    },
});
