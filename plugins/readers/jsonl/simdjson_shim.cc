/* SPDX-License-Identifier: Apache-2.0 */
#include "simdjson_shim.h"

#include <memory>
#include <new>

#include <simdjson.h>

namespace
{

constexpr size_t SMALL = size_t{1} << 20; /* the capacity kept between records */
constexpr size_t LARGE = size_t{8}
                         << 20; /* above this it is given back when a small record follows */

} // namespace

struct jsonl_index {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> impl;
};

struct jsonl_index *jsonl_index_new(void)
{
    auto *x = new (std::nothrow) jsonl_index;
    if (x == nullptr) {
        return nullptr;
    }
    const simdjson::implementation *impl = simdjson::get_active_implementation();
    if (impl->create_dom_parser_implementation(SMALL, simdjson::DEFAULT_MAX_DEPTH, x->impl) !=
        simdjson::SUCCESS) {
        delete x;
        return nullptr;
    }
    return x;
}

void jsonl_index_free(struct jsonl_index *x)
{
    delete x;
}

static simdjson::error_code make_room(struct jsonl_index *x, size_t len)
{
    const size_t have = x->impl->capacity();
    if (len > have || (have > LARGE && len <= SMALL)) {
        return x->impl->allocate(len > SMALL ? len : SMALL, simdjson::DEFAULT_MAX_DEPTH);
    }
    return simdjson::SUCCESS;
}

enum jsonl_index_status jsonl_index_run(struct jsonl_index *x, const char *data, size_t len,
                                        const uint32_t **ret, uint32_t *ret_n)
{
    if (make_room(x, len) != simdjson::SUCCESS) {
        return JSONL_INDEX_NOMEM;
    }
    const auto rc = x->impl->stage1(reinterpret_cast<const uint8_t *>(data), len,
                                    simdjson::stage1_mode::regular);
    *ret = x->impl->structural_indexes.get();
    *ret_n = x->impl->n_structural_indexes;
    switch (rc) {
    case simdjson::SUCCESS:
        return JSONL_INDEX_OK;
    case simdjson::UTF8_ERROR:
        return JSONL_INDEX_UTF8;
    case simdjson::MEMALLOC:
        return JSONL_INDEX_NOMEM;
    default:
        return JSONL_INDEX_BROKEN;
    }
}
