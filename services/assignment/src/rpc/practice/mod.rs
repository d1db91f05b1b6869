//! The services of law and practice (domain.md section 10), one file per RPC.
//!
//! Transfers, orders, disputes, settlements, entries of the register and what powers came to are matters: [`matter`] keeps them, the domain
//! moves them.

mod approve_settlement;
mod close_settlement;
mod compare_remedies;
mod create_contractor;
mod create_register_entry;
mod create_settlement;
mod edit_library_entry;
mod end_evidence_request;
mod end_register_entry;
mod explain_warranty;
mod get_dispute;
mod get_settlement;
mod get_transfer;
mod lift_handling_order;
mod list_contractors;
mod list_disputes;
mod list_library_entries;
mod list_orders;
mod list_register_entries;
mod list_settlements;
mod list_transfers;
mod list_units;
mod list_warranty_rules;
mod matter;
mod open_dispute;
mod order_handling;
mod parse;
mod place;
mod place_order;
mod power;
mod put_units;
mod record_dispute_step;
mod record_households;
mod record_order_step;
mod record_transfer;
mod record_transfer_step;
mod render;
mod request_evidence;
mod retire_library_entry;
mod set_site_warranty;
mod suggest_solutions;

use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::contractor_service_server::ContractorService;
use redress_proto::assignment::v1::dispute_service_server::DisputeService;
use redress_proto::assignment::v1::library_service_server::LibraryService;
use redress_proto::assignment::v1::power_service_server::PowerService;
use redress_proto::assignment::v1::register_service_server::RegisterService;
use redress_proto::assignment::v1::settlement_service_server::SettlementService;
use redress_proto::assignment::v1::transfer_service_server::TransferService;
use redress_proto::assignment::v1::warranty_service_server::WarrantyService;
use redress_rpc::status;
use tonic::{Request, Response, Status};

pub(super) use power::supervises;
pub(super) use suggest_solutions::likest;

use super::Shared;
use crate::domain::practice::register;
use crate::store::matters::Kept;

pub(super) use power::{evidence_request, handling_order};

/// An entry of the register as it is shown with a case.
pub(super) fn entry(kept: Kept<register::Entry>) -> wire::RegisterEntry {
    render::entry(kept, Vec::new())
}

/// Every method is its module's `run`.
macro_rules! serve {
    ($(#[$doc:meta])* $rpc:ident, $service:ident { $($method:ident($request:ident) -> $response:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $rpc(pub Shared);

        #[tonic::async_trait]
        impl $service for $rpc {
            $(async fn $method(
                &self,
                request: Request<wire::$request>,
            ) -> Result<Response<wire::$response>, Status> {
                $method::run(&self.0, request).await.map(Response::new).map_err(status)
            })+
        }
    };
}

serve! {
    /// Units and their warranty.
    WarrantyRpc, WarrantyService {
        put_units(PutUnitsRequest) -> PutUnitsResponse,
        list_units(ListUnitsRequest) -> ListUnitsResponse,
        set_site_warranty(SetSiteWarrantyRequest) -> SetSiteWarrantyResponse,
        list_warranty_rules(ListWarrantyRulesRequest) -> ListWarrantyRulesResponse,
        explain_warranty(ExplainWarrantyRequest) -> ExplainWarrantyResponse,
    }
}

serve! {
    /// Contractors and their orders.
    ContractorRpc, ContractorService {
        create_contractor(CreateContractorRequest) -> CreateContractorResponse,
        list_contractors(ListContractorsRequest) -> ListContractorsResponse,
        place_order(PlaceOrderRequest) -> PlaceOrderResponse,
        record_order_step(RecordOrderStepRequest) -> RecordOrderStepResponse,
        list_orders(ListOrdersRequest) -> ListOrdersResponse,
    }
}

serve! {
    /// Powers of whoever supervises.
    PowerRpc, PowerService {
        request_evidence(RequestEvidenceRequest) -> RequestEvidenceResponse,
        end_evidence_request(EndEvidenceRequestRequest) -> EndEvidenceRequestResponse,
        order_handling(OrderHandlingRequest) -> OrderHandlingResponse,
        lift_handling_order(LiftHandlingOrderRequest) -> LiftHandlingOrderResponse,
    }
}

serve! {
    /// Transfers of outside bodies.
    TransferRpc, TransferService {
        record_transfer(RecordTransferRequest) -> RecordTransferResponse,
        record_transfer_step(RecordTransferStepRequest) -> RecordTransferStepResponse,
        get_transfer(GetTransferRequest) -> GetTransferResponse,
        list_transfers(ListTransfersRequest) -> ListTransfersResponse,
    }
}

serve! {
    /// The dispute ladder.
    DisputeRpc, DisputeService {
        open_dispute(OpenDisputeRequest) -> OpenDisputeResponse,
        record_dispute_step(RecordDisputeStepRequest) -> RecordDisputeStepResponse,
        get_dispute(GetDisputeRequest) -> GetDisputeResponse,
        list_disputes(ListDisputesRequest) -> ListDisputesResponse,
    }
}

serve! {
    /// Group settlements.
    SettlementRpc, SettlementService {
        create_settlement(CreateSettlementRequest) -> CreateSettlementResponse,
        approve_settlement(ApproveSettlementRequest) -> ApproveSettlementResponse,
        record_households(RecordHouseholdsRequest) -> RecordHouseholdsResponse,
        close_settlement(CloseSettlementRequest) -> CloseSettlementResponse,
        get_settlement(GetSettlementRequest) -> GetSettlementResponse,
        list_settlements(ListSettlementsRequest) -> ListSettlementsResponse,
    }
}

serve! {
    /// The register of facts and promises.
    RegisterRpc, RegisterService {
        create_register_entry(CreateRegisterEntryRequest) -> CreateRegisterEntryResponse,
        end_register_entry(EndRegisterEntryRequest) -> EndRegisterEntryResponse,
        list_register_entries(ListRegisterEntriesRequest) -> ListRegisterEntriesResponse,
    }
}

serve! {
    /// The solution library.
    LibraryRpc, LibraryService {
        suggest_solutions(SuggestSolutionsRequest) -> SuggestSolutionsResponse,
        compare_remedies(CompareRemediesRequest) -> CompareRemediesResponse,
        list_library_entries(ListLibraryEntriesRequest) -> ListLibraryEntriesResponse,
        edit_library_entry(EditLibraryEntryRequest) -> EditLibraryEntryResponse,
        retire_library_entry(RetireLibraryEntryRequest) -> RetireLibraryEntryResponse,
    }
}
