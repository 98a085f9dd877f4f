export * from "./answers";
export * from "./assets";
export * from "./client";
export * from "./clock";
export * from "./jobs";
export * from "./queries";
export * from "./runs";
