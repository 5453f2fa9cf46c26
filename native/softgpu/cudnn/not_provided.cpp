// The other functions that JCudnn's native library links to. Each prints its name once and returns "not supported".

#include <atomic>

#include "cudnn/api.h"

namespace {

cudnnStatus_t not_provided(const char *name, std::atomic_flag &said) {
    if (!said.test_and_set()) softgpu::complain(name, "not provided");
    softgpu::cudnn::set_last_error(std::string(name) + ": not provided");
    return CUDNN_STATUS_NOT_SUPPORTED;
}

}  // namespace

#define NOT_PROVIDED(name)               \
    CUDNN_API cudnnStatus_t name() {     \
        static std::atomic_flag said;    \
        return not_provided(#name, said); \
    }

NOT_PROVIDED(cudnnCreateAttnDescriptor) NOT_PROVIDED(cudnnDestroyAttnDescriptor) NOT_PROVIDED(cudnnGetAttnDescriptor)
NOT_PROVIDED(cudnnGetMultiHeadAttnBuffers) NOT_PROVIDED(cudnnGetMultiHeadAttnWeights)
NOT_PROVIDED(cudnnMultiHeadAttnBackwardData) NOT_PROVIDED(cudnnMultiHeadAttnBackwardWeights)
NOT_PROVIDED(cudnnMultiHeadAttnForward) NOT_PROVIDED(cudnnSetAttnDescriptor)

NOT_PROVIDED(cudnnBackendCreateDescriptor) NOT_PROVIDED(cudnnBackendDestroyDescriptor) NOT_PROVIDED(cudnnBackendExecute)
NOT_PROVIDED(cudnnBackendFinalize) NOT_PROVIDED(cudnnBackendGetAttribute) NOT_PROVIDED(cudnnBackendInitialize)
NOT_PROVIDED(cudnnBackendSetAttribute)

NOT_PROVIDED(cudnnCTCLoss) NOT_PROVIDED(cudnnCTCLoss_v8) NOT_PROVIDED(cudnnCreateCTCLossDescriptor)
NOT_PROVIDED(cudnnDestroyCTCLossDescriptor) NOT_PROVIDED(cudnnGetCTCLossDescriptor)
NOT_PROVIDED(cudnnGetCTCLossDescriptorEx) NOT_PROVIDED(cudnnGetCTCLossDescriptor_v8)
NOT_PROVIDED(cudnnGetCTCLossDescriptor_v9) NOT_PROVIDED(cudnnGetCTCLossWorkspaceSize)
NOT_PROVIDED(cudnnGetCTCLossWorkspaceSize_v8) NOT_PROVIDED(cudnnSetCTCLossDescriptor)
NOT_PROVIDED(cudnnSetCTCLossDescriptorEx) NOT_PROVIDED(cudnnSetCTCLossDescriptor_v8)
NOT_PROVIDED(cudnnSetCTCLossDescriptor_v9)

NOT_PROVIDED(cudnnDivisiveNormalizationBackward) NOT_PROVIDED(cudnnDivisiveNormalizationForward)

NOT_PROVIDED(cudnnCreateFusedOpsConstParamPack) NOT_PROVIDED(cudnnCreateFusedOpsPlan)
NOT_PROVIDED(cudnnCreateFusedOpsVariantParamPack) NOT_PROVIDED(cudnnDestroyFusedOpsConstParamPack)
NOT_PROVIDED(cudnnDestroyFusedOpsPlan) NOT_PROVIDED(cudnnDestroyFusedOpsVariantParamPack)
NOT_PROVIDED(cudnnFusedOpsExecute) NOT_PROVIDED(cudnnGetFusedOpsConstParamPackAttribute)
NOT_PROVIDED(cudnnGetFusedOpsVariantParamPackAttribute) NOT_PROVIDED(cudnnMakeFusedOpsPlan)
NOT_PROVIDED(cudnnSetFusedOpsConstParamPackAttribute) NOT_PROVIDED(cudnnSetFusedOpsVariantParamPackAttribute)

NOT_PROVIDED(cudnnGraphVersionCheck)

NOT_PROVIDED(cudnnGetLRNDescriptor) NOT_PROVIDED(cudnnLRNCrossChannelBackward)

NOT_PROVIDED(cudnnBatchNormalizationBackwardEx) NOT_PROVIDED(cudnnBatchNormalizationForwardTrainingEx)
NOT_PROVIDED(cudnnDeriveNormTensorDescriptor) NOT_PROVIDED(cudnnGetBatchNormalizationBackwardExWorkspaceSize)
NOT_PROVIDED(cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize)
NOT_PROVIDED(cudnnGetBatchNormalizationTrainingExReserveSpaceSize)
NOT_PROVIDED(cudnnGetNormalizationBackwardWorkspaceSize) NOT_PROVIDED(cudnnGetNormalizationForwardTrainingWorkspaceSize)
NOT_PROVIDED(cudnnGetNormalizationTrainingReserveSpaceSize) NOT_PROVIDED(cudnnNormalizationBackward)
NOT_PROVIDED(cudnnNormalizationForwardInference) NOT_PROVIDED(cudnnNormalizationForwardTraining)

NOT_PROVIDED(cudnnCreateOpTensorDescriptor) NOT_PROVIDED(cudnnDestroyOpTensorDescriptor)
NOT_PROVIDED(cudnnGetOpTensorDescriptor) NOT_PROVIDED(cudnnOpTensor) NOT_PROVIDED(cudnnSetOpTensorDescriptor)

NOT_PROVIDED(cudnnGetPooling2dDescriptor) NOT_PROVIDED(cudnnGetPoolingNdDescriptor) NOT_PROVIDED(cudnnPoolingBackward)

NOT_PROVIDED(cudnnBuildRNNDynamic) NOT_PROVIDED(cudnnCreateRNNDataDescriptor) NOT_PROVIDED(cudnnCreateRNNDescriptor)
NOT_PROVIDED(cudnnDestroyRNNDataDescriptor) NOT_PROVIDED(cudnnDestroyRNNDescriptor)
NOT_PROVIDED(cudnnGetRNNDataDescriptor) NOT_PROVIDED(cudnnGetRNNDescriptor_v8) NOT_PROVIDED(cudnnGetRNNTempSpaceSizes)
NOT_PROVIDED(cudnnGetRNNWeightParams) NOT_PROVIDED(cudnnGetRNNWeightSpaceSize) NOT_PROVIDED(cudnnRNNBackwardData_v8)
NOT_PROVIDED(cudnnRNNBackwardWeights_v8) NOT_PROVIDED(cudnnRNNForward) NOT_PROVIDED(cudnnRNNGetClip_v8)
NOT_PROVIDED(cudnnRNNGetClip_v9) NOT_PROVIDED(cudnnRNNSetClip_v8) NOT_PROVIDED(cudnnRNNSetClip_v9)
NOT_PROVIDED(cudnnSetRNNDataDescriptor) NOT_PROVIDED(cudnnSetRNNDescriptor_v8)

NOT_PROVIDED(cudnnCreateReduceTensorDescriptor) NOT_PROVIDED(cudnnDestroyReduceTensorDescriptor)
NOT_PROVIDED(cudnnGetReduceTensorDescriptor) NOT_PROVIDED(cudnnGetReductionIndicesSize)
NOT_PROVIDED(cudnnGetReductionWorkspaceSize) NOT_PROVIDED(cudnnReduceTensor)
NOT_PROVIDED(cudnnSetReduceTensorDescriptor)

NOT_PROVIDED(cudnnCreateSeqDataDescriptor) NOT_PROVIDED(cudnnDestroySeqDataDescriptor)
NOT_PROVIDED(cudnnGetSeqDataDescriptor) NOT_PROVIDED(cudnnSetSeqDataDescriptor)

NOT_PROVIDED(cudnnSoftmaxBackward)

NOT_PROVIDED(cudnnCreateSpatialTransformerDescriptor) NOT_PROVIDED(cudnnDestroySpatialTransformerDescriptor)
NOT_PROVIDED(cudnnSetSpatialTransformerNdDescriptor) NOT_PROVIDED(cudnnSpatialTfGridGeneratorBackward)
NOT_PROVIDED(cudnnSpatialTfGridGeneratorForward) NOT_PROVIDED(cudnnSpatialTfSamplerBackward)
NOT_PROVIDED(cudnnSpatialTfSamplerForward)

NOT_PROVIDED(cudnnCreateTensorTransformDescriptor) NOT_PROVIDED(cudnnDestroyTensorTransformDescriptor)
NOT_PROVIDED(cudnnGetTensorTransformDescriptor) NOT_PROVIDED(cudnnInitTransformDest)
NOT_PROVIDED(cudnnSetTensorTransformDescriptor) NOT_PROVIDED(cudnnTransformFilter) NOT_PROVIDED(cudnnTransformTensorEx)

NOT_PROVIDED(cudnnAdvVersionCheck) NOT_PROVIDED(cudnnGetFoldedConvBackwardDataDescriptors) NOT_PROVIDED(cudnnIm2Col)
NOT_PROVIDED(cudnnQueryRuntimeError) NOT_PROVIDED(cudnnReorderFilterAndBias)
