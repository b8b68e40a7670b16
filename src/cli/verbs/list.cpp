// SPDX-License-Identifier: Apache-2.0
#include "cli/render.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> list(const Call& call) {
    LET(runtime::Listing listing, runtime::list(call.site));
    const auto long_shape = call.options.format == "json" ? list_json : list_table;
    const auto shape = call.options.quiet ? list_ids : long_shape;
    return Outcome{shape(listing.containers), 0, std::move(listing.warnings)};
}

}  // namespace bulkhead::cli::verbs
