// SPDX-License-Identifier: Apache-2.0
// Sets kernel parameters in the stage, through the procfs of OpenProcfs. No part of the path may be a link or
// another mount: a write that reaches another parameter may change the host (CVE-2025-52881).
#include <asm/errno.h>

#include "base/resolve.hpp"
#include "namespaces/init_ops.hpp"

namespace bulkhead::namespaces {

using plan::Outcome;
using plan::StageContext;

Outcome apply(StageContext& stage, const plan::SetSysctl& op) {
    constexpr std::uint64_t strictly = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
    const raw::Handle tree(raw::open_below(stage.procfs, "sys", O_PATH | O_DIRECTORY, strictly));
    ATTEMPT(tree.number(), openat2);
    const raw::Handle file(raw::open_below(tree.number(), stage.arena.text(op.path), O_WRONLY, strictly));
    ATTEMPT(file.number(), openat2);
    const long written =
        raw::call(__NR_write, long{file.number()}, stage.arena.text(op.value), long{op.value.size});
    ATTEMPT(written, write);
    // Some parameters take only the beginning of a value (64 bytes of text). That counts as a refusal.
    return written == long{op.value.size} ? Outcome{} : Outcome{EINVAL, plan::Call::write};
}

}  // namespace bulkhead::namespaces
