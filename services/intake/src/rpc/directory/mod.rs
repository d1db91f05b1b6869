//! DirectoryService: organizations, regions and sites, a file for each noun.

mod organizations;
mod regions;
mod sites;

use std::sync::Arc;

use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::directory_service_server::DirectoryService;
use redress_rpc::status;
use tonic::{Request, Response, Status};

use crate::intake::Intake;

/// Serves the directory.
#[derive(Debug, Clone)]
pub struct DirectoryServer(pub Arc<Intake>);

#[tonic::async_trait]
impl DirectoryService for DirectoryServer {
    async fn create_organization(
        &self,
        request: Request<pb::CreateOrganizationRequest>,
    ) -> Result<Response<pb::CreateOrganizationResponse>, Status> {
        let made = organizations::create(&self.0, request)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::CreateOrganizationResponse {
            organization: Some(made),
        }))
    }

    async fn get_organization(
        &self,
        request: Request<pb::GetOrganizationRequest>,
    ) -> Result<Response<pb::GetOrganizationResponse>, Status> {
        let found = organizations::get(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::GetOrganizationResponse {
            organization: Some(found),
        }))
    }

    async fn list_organizations(
        &self,
        request: Request<pb::ListOrganizationsRequest>,
    ) -> Result<Response<pb::ListOrganizationsResponse>, Status> {
        organizations::list(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn create_region(
        &self,
        request: Request<pb::CreateRegionRequest>,
    ) -> Result<Response<pb::CreateRegionResponse>, Status> {
        let made = regions::create(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::CreateRegionResponse {
            region: Some(made),
        }))
    }

    async fn get_region(
        &self,
        request: Request<pb::GetRegionRequest>,
    ) -> Result<Response<pb::GetRegionResponse>, Status> {
        let found = regions::get(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::GetRegionResponse {
            region: Some(found),
        }))
    }

    async fn list_regions(
        &self,
        request: Request<pb::ListRegionsRequest>,
    ) -> Result<Response<pb::ListRegionsResponse>, Status> {
        regions::list(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn create_site(
        &self,
        request: Request<pb::CreateSiteRequest>,
    ) -> Result<Response<pb::CreateSiteResponse>, Status> {
        let made = sites::create(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::CreateSiteResponse {
            site: Some(made.to_wire()),
        }))
    }

    async fn get_site(
        &self,
        request: Request<pb::GetSiteRequest>,
    ) -> Result<Response<pb::GetSiteResponse>, Status> {
        let found = sites::get(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::GetSiteResponse {
            site: Some(found.to_wire()),
        }))
    }

    async fn list_sites(
        &self,
        request: Request<pb::ListSitesRequest>,
    ) -> Result<Response<pb::ListSitesResponse>, Status> {
        sites::list(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn update_site(
        &self,
        request: Request<pb::UpdateSiteRequest>,
    ) -> Result<Response<pb::UpdateSiteResponse>, Status> {
        let changed = sites::update(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::UpdateSiteResponse {
            site: Some(changed.to_wire()),
        }))
    }
}
