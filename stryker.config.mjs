// Mutation tests: `npm run test:mutation`, or a part with `-- --mutate sdk/x509/leaf.ts`.
//
// What is mutated is what decides and has no I/O of its own: certificates, the reconcilers' checks, plans and sentences,
// and the limiter.

export default {
    mutate: [
        "sdk/x509/*.ts",
        "sdk/thingsboard/{limits,pace}.ts",
        "sdk/reconcilers/{activation,claims,deviceCredentialInputs,deviceInputs,deviceProfileInputs,drift,fleetMembership,inputKinds,ownership,renewal}.ts",
        "sdk/reconcilers/fleet/{check,givingUp,plan,renewalShare,words}.ts",
    ],
    testRunner: "vitest",
    vitest: { configFile: "vitest.mutation.config.mts", related: true },
    coverageAnalysis: "perTest",
    ignoreStatic: true,
    plugins: ["@stryker-mutator/vitest-runner"],
    reporters: ["clear-text", "html", "json"],
    clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
    htmlReporter: { fileName: "reports/mutation/index.html" },
    jsonReporter: { fileName: "reports/mutation/mutation.json" },
    // Text of sentences is for people: a test that repeats it word for word holds nothing.
    mutator: { excludedMutations: ["StringLiteral"] },
    ignorePatterns: ["/bin", "/coverage", "/reports", "/docs", "/bench", "/examples"],
    tempDirName: ".stryker-tmp",
    concurrency: 2,
    timeoutMS: 20_000,
    timeoutFactor: 2,
    // A few points below what was measured (docs/reliability.md).
    thresholds: { high: 95, low: 88, break: 88 },
};
