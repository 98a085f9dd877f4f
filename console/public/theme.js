// Before the first paint, and as a file of its own: the content security policy allows no inline script.
const kept = localStorage.getItem("gristmill-theme");
const dark = kept ? kept === "g100" : matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.className = dark ? "cds--g100" : "cds--white";
