// SPDX-License-Identifier: Apache-2.0
#include "cli/render.hpp"
#include "cli/verbs.hpp"

namespace bulkhead::cli::verbs {

Result<Outcome> list(const Call& call) {
    LET(runtime::Listing listing, runtime::list(call.site));
    const auto shape = call.options.quiet ? list_ids : call.options.format == "json" ? list_json : list_table;
    return Outcome{shape(listing.containers), 0, std::move(listing.warnings)};
}

}  // namespace bulkhead::cli::verbs
