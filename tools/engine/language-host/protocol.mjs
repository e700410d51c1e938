// Finds the gRPC classes of the language protocol: in the program's own @pulumi/pulumi, else in the one of this
// repository (`PULUMI_LANGUAGE_NODEJS_SDK`, set with the engine's environment), for commands outside of any program.

import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

export function loadProtocol() {
    const sdk = findSdk([process.cwd(), process.env.PULUMI_LANGUAGE_NODEJS_SDK]);
    const load = createRequire(sdk);
    return {
        grpc: load("@grpc/grpc-js"),
        language: load("./proto/language_pb.js"),
        plugin: load("./proto/plugin_pb.js"),
        empty: load("google-protobuf/google/protobuf/empty_pb.js"),
        service: load("./proto/language_grpc_pb.js").LanguageRuntimeService,
        sdkVersion: load("./package.json").version,
    };
}

/** The path of the first package.json of @pulumi/pulumi that can be required from one of these folders. */
function findSdk(folders) {
    for (const folder of folders.filter(Boolean)) {
        try {
            return createRequire(path.join(folder, "package.json")).resolve("@pulumi/pulumi/package.json");
        } catch {
            // not installed there: try the next folder
        }
    }
    console.error("The Pulumi SDK is not installed for this program: run `npm install` in the project's folder.");
    process.exit(1);
}
