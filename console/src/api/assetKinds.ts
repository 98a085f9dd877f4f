interface AssetKind {
  type: string;
  word: string;
  /** How many of them are called, as in filters. */
  many: string;
  /** What its file is called. */
  file: string;
  can: "deploy" | "run" | null;
}

/** What people bring to a space, by the wire's type. */
export const ASSET_KINDS: AssetKind[] = [
  { type: "data_asset", word: "Data", many: "Data", file: "CSV, Parquet, JSON lines, or any other file", can: null },
  { type: "wml_model", word: "Model", many: "Models", file: "The model's file, or an archive of it", can: "deploy" },
  { type: "wml_function", word: "Function", many: "Functions", file: "A Python file that defines score", can: "deploy" },
  { type: "script", word: "Script", many: "Scripts", file: "A script in Python (.py) or R (.R)", can: "run" },
  { type: "notebook", word: "Notebook", many: "Notebooks", file: "A Jupyter notebook (.ipynb)", can: "run" },
  { type: "code_package", word: "Code package", many: "Code packages", file: "A zip of scripts, notebooks and modules", can: "run" },
  { type: "flow", word: "Flow", many: "Flows", file: "A pipeline document, or a zip of one with its files", can: "run" },
];

export const kindOf = (type: string): AssetKind | undefined => ASSET_KINDS.find((kind) => kind.type === type);

/** Whether a deployment can be made of an asset; a script can be deployed, too. */
export const isDeployable = (type: string) => type === "script" || kindOf(type)?.can === "deploy";
export const isSelfContained = (type: string) => kindOf(type)?.can === "run" || type === "orchestration_flow";

const OTHERS: Record<string, string> = { connection: "Connection", orchestration_flow: "Flow", parameter_set: "Parameter set" };

export const wordOf = (type: string): string => kindOf(type)?.word ?? OTHERS[type] ?? type.replaceAll("_", " ");
