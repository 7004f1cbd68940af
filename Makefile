# Everything starts here: `make demo`, `make test`, `make help`.

PROTOS := $(patsubst proto/%,%,$(wildcard proto/ttrpc/*.proto proto/cowbird/v1/*.proto))

# protoc-c names a service's members after its methods, and `switch` is no name in C; Cowbird dispatches by
# itself, so the C is made from the messages alone.
.PHONY: proto
proto: ## Rewrites the generated C and Python from proto/
	rm -rf Sources/CMessages/include/ttrpc Sources/CMessages/include/cowbird Sources/CMessages/*.pb-c.c
	rm -rf out/proto && mkdir -p clients/python/src
	for p in $(PROTOS); do mkdir -p out/proto/$$(dirname $$p) && \
	  awk '/^service /{inside=1} !inside{print} /^}/{inside=0}' proto/$$p > out/proto/$$p || exit 1; done
	cd out/proto && protoc-c --c_out=../../Sources/CMessages/include $(PROTOS)
	find Sources/CMessages/include -name '*.pb-c.c' -exec mv -t Sources/CMessages {} +
	protoc -Iproto --python_out=clients/python/src $(filter cowbird/%,$(PROTOS))

.PHONY: test
test: ## Runs every test
	swift test
