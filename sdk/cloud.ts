// ThingsBoard Cloud: where its regions serve what.

/** By the host of its web page. MQTT goes by another name ("a separate domain for MQTT traffic", its docs). */
export const cloudMqttHosts: ReadonlyMap<string, string> = new Map([
    ["thingsboard.cloud", "mqtt.thingsboard.cloud"],
    ["eu.thingsboard.cloud", "mqtt.eu.thingsboard.cloud"],
]);
