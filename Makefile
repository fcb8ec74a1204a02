# presence: a PostgreSQL extension in C++. make, make install, make installcheck do what they do everywhere.
#
# make PRESENCE_TESTING=1 adds presence_test_advance(), which moves the clock of the whole cluster. Never in production.

EXTENSION = presence
EXTVERSION = 1.0
MODULE_big = presence

CORE_SOURCES = $(wildcard src/core/*.cpp)
GLUE_SOURCES = $(wildcard src/postgres/*.cpp src/postgres/shared/*.cpp src/postgres/sql/*.cpp src/postgres/tables/*.cpp src/postgres/transaction/*.cpp src/postgres/worker/*.cpp)
OBJS = $(CORE_SOURCES:.cpp=.o) $(GLUE_SOURCES:.cpp=.o)

SCRIPT = presence--$(EXTVERSION).sql
ifeq ($(PRESENCE_TESTING),1)
PG_CPPFLAGS += -DPRESENCE_TESTING
DATA_built = testing/$(SCRIPT)
EXTRA_CLEAN += testing
else
DATA = $(SCRIPT)
endif

REGRESS = $(basename $(notdir $(sort $(wildcard sql/*.sql))))
REGRESS_OPTS = --encoding=UTF8
EXTRA_CLEAN += $(OBJS:.o=.d) .kind

PG_CONFIG ?= pg_config
# The bitcode step would compile without -std; an extension this small gains nothing from inlining by the JIT.
override with_llvm = no
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifneq ($(PGXS),)
include $(PGXS)
else
all install installcheck clean:
	@echo "$(PG_CONFIG) does not say where PostgreSQL's makefiles are: install the server's development package, or pass PG_CONFIG=/path/to/pg_config" >&2
	@false
endif

CXXFLAGS_ALL = -std=c++20 -O2 -g -Wall -Wextra -Wno-unused-parameter -fPIC -fvisibility=hidden -fvisibility-inlines-hidden \
	-Wno-deprecated-volatile -fno-exceptions -fno-rtti -fno-strict-aliasing -fwrapv -ffunction-sections -fdata-sections
CORE_FLAGS = -Isrc
# Server headers as system headers: their warnings are not ours. Before 16 they leave the magic block hidden.
GLUE_FLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) -isystem $(shell $(PG_CONFIG) --includedir) \
	-DPGDLLEXPORT='__attribute__((visibility("default")))' -D_GNU_SOURCE $(PG_CPPFLAGS)
# Link as C++, but without what no exception ever needs.
override COMPILER = $(CXX) $(CXXFLAGS_ALL) $(CXXFLAGS)

src/core/%.o: src/core/%.cpp
	$(CXX) $(CXXFLAGS_ALL) $(CORE_FLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

src/postgres/%.o: src/postgres/%.cpp
	$(CXX) $(CXXFLAGS_ALL) $(GLUE_FLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

# Objects of a testing build are not those of a normal one: what was built as the other is built again.
KIND = $(if $(filter 1,$(PRESENCE_TESTING)),testing,normal)
.kind: FORCE
	@[ "$$(cat $@ 2>/dev/null)" = $(KIND) ] || echo $(KIND) > $@
$(OBJS): .kind

.PHONY: demo bench FORCE
demo:
	./scripts/demo
bench:
	./scripts/bench

# The install script of a testing build: the normal one and presence_test_advance.
testing/$(SCRIPT): $(SCRIPT) src/postgres/testing.sql
	mkdir -p testing
	cat $^ > $@

-include $(OBJS:.o=.d)
