/** Every address of the console in one place, below its base. */
export const paths = {
  spaces: "/",
  newSpace: "/spaces/new",
  space: (space: string) => `/spaces/${space}`,
  tab: (space: string, tab: string) => `/spaces/${space}/${tab}`,
  jobs: (space: string, filter?: string) => `/spaces/${space}/jobs${filter ? `?filter=${filter}` : ""}`,
  newJob: (space: string, of: { deployment?: string; asset?: string } = {}) =>
    `/spaces/${space}/new-job?${new URLSearchParams(of)}`.replace(/\?$/, ""),
  job: (space: string, job: string) => `/spaces/${space}/jobs/${job}`,
  run: (space: string, job: string, run: string) => `/spaces/${space}/jobs/${job}/runs/${run}`,
  profile: "/profile",
  inbox: "/inbox",
};
