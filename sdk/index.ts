// Everything a program may import.

export { DeviceCertificate, type DeviceCertificateArgs, type KeyAlgorithm } from "./resources/deviceCertificate";
export { DeviceCredential, type DeviceCredentialArgs } from "./resources/deviceCredential";
export { Device, type DeviceArgs } from "./resources/device";
export { PublishCheck, type PublishCheckArgs } from "./resources/publishCheck";
export { ServerChain, type ServerChainArgs } from "./resources/serverChain";
export { Provider, type ProviderArgs } from "./provider";
