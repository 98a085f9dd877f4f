/** Every address of the console in one place, below its base. */
export const paths = {
  spaces: "/",
  newSpace: "/spaces/new",
  space: (space: string) => `/spaces/${space}`,
  tab: (space: string, tab: string) => `/spaces/${space}/${tab}`,
  jobs: (space: string, filter?: string) => `/spaces/${space}/jobs${filter ? `?filter=${filter}` : ""}`,
  newJob: (space: string, of: { deployment?: string; asset?: string } = {}) =>
    `/spaces/${space}/new-job?${new URLSearchParams(of)}`.replace(/\?$/, ""),
  editJob: (space: string, job: string) => `/spaces/${space}/jobs/${job}/edit`,
  job: (space: string, job: string) => `/spaces/${space}/jobs/${job}`,
  run: (space: string, job: string, run: string) => `/spaces/${space}/jobs/${job}/runs/${run}`,
  assets: (space: string, query: Record<string, string> = {}) =>
    `/spaces/${space}/assets?${new URLSearchParams(query)}`.replace(/\?$/, ""),
  newAsset: (space: string) => `/spaces/${space}/new-asset`,
  asset: (space: string, asset: string) => `/spaces/${space}/assets/${asset}`,
  newConnection: (space: string) => `/spaces/${space}/new-connection`,
  connection: (space: string, connection: string) => `/spaces/${space}/connections/${connection}`,
  editConnection: (space: string, connection: string) => `/spaces/${space}/connections/${connection}/edit`,
  newDeployment: (space: string, asset?: string) => `/spaces/${space}/new-deployment${asset ? `?asset=${asset}` : ""}`,
  deployment: (space: string, deployment: string) => `/spaces/${space}/deployments/${deployment}`,
  profile: "/profile",
  inbox: "/inbox",
  administration: (tab: string) => `/administration/${tab}`,
};
