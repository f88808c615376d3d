# The lab: a real Kubernetes on this machine (docs/lab.md).
CLUSTER ?=
NODES ?= 3

##@ Lab

.PHONY: lab-up lab-down lab-reload lab-status

lab-up: ## Start the lab cluster (NODES=3), or go on from what is there
	@test/lab/lab.sh up $(NODES)

lab-down: ## Remove the lab cluster and everything it left on the machine, but its cache
	@test/lab/lab.sh down

lab-reload: ## Load this checkout's product image into every node of the lab
	@test/lab/lab.sh reload

lab-status: ## What of the lab runs
	@test/lab/lab.sh status
