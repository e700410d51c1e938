// `java` and `keytool`: the tests open the PKCS#12 of a bundle with them, and publish with the example's Java program.

import { need } from "./debian.mjs";

export const findJava = () => need({
    commands: ["java", "keytool"],
    debianPackage: "default-jdk-headless",
    how: "Install a JDK (17 or newer): `apt-get install default-jdk-headless` (Debian, Ubuntu), `dnf install java-21-openjdk-devel` (Fedora), `brew install openjdk` (macOS).",
});
