"""The Data and AI Common Core family: spaces, assets, specifications, connections, jobs."""
