"""The watsonx.ai Runtime family: models, functions, deployments, deployment jobs."""
