// The other functions that JCublas2's native library links to. Each prints its name once and returns "not supported".

#include <atomic>

#include "cublas/api.h"

namespace {

cublasStatus_t not_provided(const char *name, std::atomic_flag &said) {
    if (!said.test_and_set()) softgpu::complain(name, "not provided");
    return CUBLAS_STATUS_NOT_SUPPORTED;
}

}  // namespace

#define NOT_PROVIDED(name)               \
    CUBLAS_API cublasStatus_t name() {   \
        static std::atomic_flag said;    \
        return not_provided(#name, said); \
    }
// With its _64 variant, for 64-bit sizes.
#define BOTH(name)     \
    NOT_PROVIDED(name) \
    NOT_PROVIDED(name##_64)

BOTH(cublasAsumEx) BOTH(cublasAxpyEx) BOTH(cublasCaxpy_v2) BOTH(cublasCcopy_v2) BOTH(cublasCdgmm) BOTH(cublasCdotc_v2)
BOTH(cublasCdotu_v2) BOTH(cublasCgbmv_v2) BOTH(cublasCgeam) BOTH(cublasCgemm3m) BOTH(cublasCgemm3mBatched)
BOTH(cublasCgemm3mEx) BOTH(cublasCgemm3mStridedBatched) BOTH(cublasCgemmBatched) BOTH(cublasCgemmEx)
BOTH(cublasCgemmStridedBatched) BOTH(cublasCgemm_v2) BOTH(cublasCgemvBatched) BOTH(cublasCgemvStridedBatched)
BOTH(cublasCgemv_v2) BOTH(cublasCgerc_v2) BOTH(cublasCgeru_v2) BOTH(cublasChbmv_v2) BOTH(cublasChemm_v2)
BOTH(cublasChemv_v2) BOTH(cublasCher2_v2) BOTH(cublasCher2k_v2) BOTH(cublasCher_v2) BOTH(cublasCherk3mEx)
BOTH(cublasCherkEx) BOTH(cublasCherk_v2) BOTH(cublasCherkx) BOTH(cublasChpmv_v2) BOTH(cublasChpr2_v2)
BOTH(cublasChpr_v2) BOTH(cublasCopyEx) BOTH(cublasCrot_v2) BOTH(cublasCscal_v2) BOTH(cublasCsrot_v2)
BOTH(cublasCsscal_v2) BOTH(cublasCswap_v2) BOTH(cublasCsymm_v2) BOTH(cublasCsymv_v2) BOTH(cublasCsyr2_v2)
BOTH(cublasCsyr2k_v2) BOTH(cublasCsyr_v2) BOTH(cublasCsyrk3mEx) BOTH(cublasCsyrkEx) BOTH(cublasCsyrk_v2)
BOTH(cublasCsyrkx) BOTH(cublasCtbmv_v2) BOTH(cublasCtbsv_v2) BOTH(cublasCtpmv_v2) BOTH(cublasCtpsv_v2)
BOTH(cublasCtrmm_v2) BOTH(cublasCtrmv_v2) BOTH(cublasCtrsmBatched) BOTH(cublasCtrsm_v2) BOTH(cublasCtrsv_v2)
BOTH(cublasDdgmm) BOTH(cublasDgbmv_v2) BOTH(cublasDgemvBatched) BOTH(cublasDgemvStridedBatched) BOTH(cublasDotEx)
BOTH(cublasDotcEx) BOTH(cublasDrotm_v2) BOTH(cublasDsbmv_v2) BOTH(cublasDspmv_v2) BOTH(cublasDspr2_v2)
BOTH(cublasDspr_v2) BOTH(cublasDsymm_v2) BOTH(cublasDsyr2k_v2) BOTH(cublasDsyrk_v2) BOTH(cublasDsyrkx)
BOTH(cublasDtbmv_v2) BOTH(cublasDtbsv_v2) BOTH(cublasDtpmv_v2) BOTH(cublasDtpsv_v2) BOTH(cublasDtrmm_v2)
BOTH(cublasDtrsmBatched) BOTH(cublasDzasum_v2) BOTH(cublasDznrm2_v2) BOTH(cublasIamaxEx) BOTH(cublasIaminEx)
BOTH(cublasIcamax_v2) BOTH(cublasIcamin_v2) BOTH(cublasIzamax_v2) BOTH(cublasIzamin_v2) BOTH(cublasNrm2Ex)
BOTH(cublasRotEx) BOTH(cublasRotmEx) BOTH(cublasScalEx) BOTH(cublasScasum_v2) BOTH(cublasScnrm2_v2) BOTH(cublasSdgmm)
BOTH(cublasSgbmv_v2) BOTH(cublasSgemvBatched) BOTH(cublasSgemvStridedBatched) BOTH(cublasSrotm_v2) BOTH(cublasSsbmv_v2)
BOTH(cublasSspmv_v2) BOTH(cublasSspr2_v2) BOTH(cublasSspr_v2) BOTH(cublasSsymm_v2) BOTH(cublasSsyr2k_v2)
BOTH(cublasSsyrk_v2) BOTH(cublasSsyrkx) BOTH(cublasStbmv_v2) BOTH(cublasStbsv_v2) BOTH(cublasStpmv_v2)
BOTH(cublasStpsv_v2) BOTH(cublasStrmm_v2) BOTH(cublasStrsmBatched) BOTH(cublasSwapEx) BOTH(cublasZaxpy_v2)
BOTH(cublasZcopy_v2) BOTH(cublasZdgmm) BOTH(cublasZdotc_v2) BOTH(cublasZdotu_v2) BOTH(cublasZdrot_v2)
BOTH(cublasZdscal_v2) BOTH(cublasZgbmv_v2) BOTH(cublasZgeam) BOTH(cublasZgemm3m) BOTH(cublasZgemmBatched)
BOTH(cublasZgemmStridedBatched) BOTH(cublasZgemm_v2) BOTH(cublasZgemvBatched) BOTH(cublasZgemvStridedBatched)
BOTH(cublasZgemv_v2) BOTH(cublasZgerc_v2) BOTH(cublasZgeru_v2) BOTH(cublasZhbmv_v2) BOTH(cublasZhemm_v2)
BOTH(cublasZhemv_v2) BOTH(cublasZher2_v2) BOTH(cublasZher2k_v2) BOTH(cublasZher_v2) BOTH(cublasZherk_v2)
BOTH(cublasZherkx) BOTH(cublasZhpmv_v2) BOTH(cublasZhpr2_v2) BOTH(cublasZhpr_v2) BOTH(cublasZrot_v2)
BOTH(cublasZscal_v2) BOTH(cublasZswap_v2) BOTH(cublasZsymm_v2) BOTH(cublasZsymv_v2) BOTH(cublasZsyr2_v2)
BOTH(cublasZsyr2k_v2) BOTH(cublasZsyr_v2) BOTH(cublasZsyrk_v2) BOTH(cublasZsyrkx) BOTH(cublasZtbmv_v2)
BOTH(cublasZtbsv_v2) BOTH(cublasZtpmv_v2) BOTH(cublasZtpsv_v2) BOTH(cublasZtrmm_v2) BOTH(cublasZtrmv_v2)
BOTH(cublasZtrsmBatched) BOTH(cublasZtrsm_v2) BOTH(cublasZtrsv_v2)

NOT_PROVIDED(cublasCgelsBatched) NOT_PROVIDED(cublasCgeqrfBatched) NOT_PROVIDED(cublasCgetrfBatched)
NOT_PROVIDED(cublasCgetriBatched) NOT_PROVIDED(cublasCgetrsBatched) NOT_PROVIDED(cublasCmatinvBatched)
NOT_PROVIDED(cublasCrotg_v2) NOT_PROVIDED(cublasCtpttr) NOT_PROVIDED(cublasCtrttp) NOT_PROVIDED(cublasDgelsBatched)
NOT_PROVIDED(cublasDgeqrfBatched) NOT_PROVIDED(cublasDgetrfBatched) NOT_PROVIDED(cublasDgetriBatched)
NOT_PROVIDED(cublasDgetrsBatched) NOT_PROVIDED(cublasDmatinvBatched) NOT_PROVIDED(cublasDrotg_v2)
NOT_PROVIDED(cublasDrotmg_v2) NOT_PROVIDED(cublasDtpttr) NOT_PROVIDED(cublasDtrttp) NOT_PROVIDED(cublasRotgEx)
NOT_PROVIDED(cublasRotmgEx) NOT_PROVIDED(cublasSgelsBatched) NOT_PROVIDED(cublasSgeqrfBatched)
NOT_PROVIDED(cublasSgetrfBatched) NOT_PROVIDED(cublasSgetriBatched) NOT_PROVIDED(cublasSgetrsBatched)
NOT_PROVIDED(cublasSmatinvBatched) NOT_PROVIDED(cublasSrotg_v2) NOT_PROVIDED(cublasSrotmg_v2) NOT_PROVIDED(cublasStpttr)
NOT_PROVIDED(cublasStrttp) NOT_PROVIDED(cublasZgelsBatched) NOT_PROVIDED(cublasZgeqrfBatched)
NOT_PROVIDED(cublasZgetrfBatched) NOT_PROVIDED(cublasZgetriBatched) NOT_PROVIDED(cublasZgetrsBatched)
NOT_PROVIDED(cublasZmatinvBatched) NOT_PROVIDED(cublasZrotg_v2) NOT_PROVIDED(cublasZtpttr) NOT_PROVIDED(cublasZtrttp)
