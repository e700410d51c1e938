import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SettingKey, type SettingTexts, environmentVariables, readSettings, settingKeys, settingSources } from "../../sdk/settings";

const url = "https://thingsboard.example.com";
const given = { url, apiKey: "tb_key" };

describe("readSettings", () => {
    it("takes URL and credentials from the Provider or stack config, or else from the environment", () => {
        expect(readSettings(given, {})).toMatchObject({ url, credentials: { apiKey: "tb_key" }, mqttHost: "thingsboard.example.com", mqttPort: 8883 });
        expect(readSettings({}, { THINGSBOARD_URL: url, THINGSBOARD_USERNAME: "u", THINGSBOARD_PASSWORD: "p" })).toMatchObject({ credentials: { username: "u", password: "p" } });
    });

    it("never lets a key travel to a server from another source", () => {
        const env = { THINGSBOARD_API_KEY: "tb_production" };
        expect(() => readSettings({ url }, env)).toThrow("credentials are missing: the Provider or stack config has url");
        expect(() => readSettings({ apiKey: "x" }, { THINGSBOARD_URL: url })).toThrow("url is missing");
        expect(readSettings(given, { THINGSBOARD_URL: "https://other.example", THINGSBOARD_CA_PEM: "other's", THINGSBOARD_MQTT_HOST: "other" })).toMatchObject({
            url,
            mqttHost: "thingsboard.example.com",
        });
        expect(readSettings(given, { THINGSBOARD_CA_PEM: "other's" })).not.toHaveProperty("caPem");
    });

    it.each([
        [{ url, apiKey: "k", username: "u" }, "both apiKey and username"],
        [{ url, username: "u" }, "password is missing"],
        [{ url, password: "p" }, "username is missing"],
        [{ url: "thingsboard.example.com", apiKey: "k" }, "url is not one"],
        [{ url: "ftp://x", apiKey: "k" }, "url is no web address: expected it to begin with https://"],
        [{ url: "https://user:secret@x", apiKey: "k" }, "url contains a user name or password"],
        [{ ...given, mqttPort: "88830" }, "mqttPort is 88830"],
        [{ ...given, rateLimit: "fast" }, 'rateLimit is "fast"'],
        [{ ...given, concurrency: "1.5" }, "concurrency is 1.5"],
        [{ ...given, allowInsecureHttp: "yes" }, 'allowInsecureHttp is "yes"'],
        [{}, "no ThingsBoard is configured"],
    ] satisfies [SettingTexts, string][])("says what is wrong (%#)", (texts, sentence) => {
        expect(() => readSettings(texts, {})).toThrow(sentence);
    });

    it("knows the MQTT hosts of the two Clouds", () => {
        expect(readSettings({ url: "https://thingsboard.cloud", apiKey: "k" }, {}).mqttHost).toBe("mqtt.thingsboard.cloud");
        expect(readSettings({ url: "https://eu.thingsboard.cloud/", apiKey: "k" }, {}).mqttHost).toBe("mqtt.eu.thingsboard.cloud");
        expect(readSettings({ ...given, mqttHost: "mqtt.example.com" }, {}).mqttHost).toBe("mqtt.example.com");
        expect(readSettings({ url: "http://[::1]:8080", apiKey: "k" }, {}).mqttHost).toBe("::1");
        // A name that every JavaScript object has.
        expect(readSettings({ url: "https://constructor", apiKey: "k" }, {}).mqttHost).toBe("constructor");
    });

    it("answers any settings with settings or a sentence, in which no secret stands", () => {
        const secret = "canary-7f3a";
        const text = fc.oneof(fc.string(), fc.constantFrom("https://a", "1", "true"));
        const texts = fc.record(Object.fromEntries(settingKeys.map(key => [key, key === "apiKey" || key === "password" ? fc.constant(secret) : text])), { requiredKeys: [] });
        fc.assert(
            fc.property(texts, texts, (fromConfig, fromEnv) => {
                const env = Object.fromEntries(Object.entries(fromEnv).map(([key, value]) => [environmentVariables[key as keyof SettingTexts], value]));
                try {
                    readSettings(fromConfig, env);
                } catch (error) {
                    expect(error).toMatchObject({ name: "UserError" });
                    expect((error as Error).message).not.toContain(secret);
                }
            }),
        );
    });
});

describe("settingSources", () => {
    /** Of each setting a value that only this source has. */
    const values = (source: "given" | "environment"): Record<SettingKey, string> => {
        const [name, number] = source === "given" ? ["g", "1"] : ["e", "2"];
        const text = { url: `https://${name}.example`, apiKey: `${name}-key`, username: `${name}-user`, password: `${name}-word`, caPem: `${name}-ca`, mqttHost: `${name}.mqtt`, mqttCaPem: `${name}-mqtt-ca` };
        return { ...text, mqttPort: number, rateLimit: number, concurrency: number, deleteConcurrency: number, timeout: number, allowInsecureHttp: String(source === "given") };
    };
    const some = fc.subarray([...settingKeys]);

    it("says of each setting where readSettings took it from", () => {
        fc.assert(
            fc.property(some, some, (inGiven, inEnvironment) => {
                const [given, theirs] = [values("given"), values("environment")];
                const texts: SettingTexts = Object.fromEntries(inGiven.map(key => [key, given[key]]));
                const env = Object.fromEntries(inEnvironment.map(key => [environmentVariables[key], theirs[key]]));
                let settings: ReturnType<typeof readSettings>;
                try {
                    settings = readSettings(texts, env);
                } catch {
                    return;
                }
                const used: Partial<Record<SettingKey, unknown>> = { ...settings, ...settings.credentials };
                const sources = settingSources(texts, env);
                for (const key of settingKeys) {
                    const source = sources[key];
                    if (source !== undefined) expect(String(used[key]), key).toBe(values(source)[key]);
                    else if (key !== "mqttHost" && key !== "mqttPort") expect(used[key], key).toBeUndefined();
                }
            }),
        );
    });
});
