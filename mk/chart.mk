# The chart as plain YAML, for those who install without Helm.
IMAGE_REPOSITORY ?= docker.io/spacecluster/spacecluster
IMAGE_TAG ?=
ALLOWED_CIDRS ?=

.PHONY: manifests
manifests: ## Render the chart into build/spacecluster.yaml (IMAGE_TAG=, ALLOWED_CIDRS=)
	@command -v helm >/dev/null || { echo 'helm is not on the PATH: make lab-up brings one, or see https://helm.sh' >&2; exit 1; }
	@mkdir -p build
	@{ cat charts/namespace.yaml; helm template spacecluster charts/spacecluster --namespace spacecluster-system \
		--set-string image.repository=$(IMAGE_REPOSITORY) --set-string image.tag=$(IMAGE_TAG) \
		$(if $(ALLOWED_CIDRS),--set 'vip.allowedCIDRs={$(ALLOWED_CIDRS)}'); \
	} > build/spacecluster.yaml.new && mv build/spacecluster.yaml.new build/spacecluster.yaml
	@echo build/spacecluster.yaml
