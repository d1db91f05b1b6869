//! From reviews into playbooks: one RPC a file.

mod accept_lesson;
mod decline_lesson;
mod list_lessons;
mod propose_lesson;
pub(super) mod view;

use std::sync::Arc;

use redress_proto::crisis::v1::lesson_service_server::LessonService;
use redress_proto::crisis::v1::{
    AcceptLessonRequest, AcceptLessonResponse, DeclineLessonRequest, DeclineLessonResponse,
    ListLessonsRequest, ListLessonsResponse, ProposeLessonRequest, ProposeLessonResponse,
};
use tonic::{Request, Response, Status};

use super::{Incidents, answer};

/// What the handlers need.
#[derive(Debug)]
pub struct Lessons {
    /// Incidents, whose reviews teach.
    pub incidents: Arc<Incidents>,
}

#[tonic::async_trait]
impl LessonService for Lessons {
    async fn propose_lesson(
        &self,
        request: Request<ProposeLessonRequest>,
    ) -> Result<Response<ProposeLessonResponse>, Status> {
        answer(propose_lesson::handle(&self.incidents, &request).await)
    }

    async fn list_lessons(
        &self,
        request: Request<ListLessonsRequest>,
    ) -> Result<Response<ListLessonsResponse>, Status> {
        answer(list_lessons::handle(&self.incidents, &request).await)
    }

    async fn accept_lesson(
        &self,
        request: Request<AcceptLessonRequest>,
    ) -> Result<Response<AcceptLessonResponse>, Status> {
        answer(accept_lesson::handle(&self.incidents, &request).await)
    }

    async fn decline_lesson(
        &self,
        request: Request<DeclineLessonRequest>,
    ) -> Result<Response<DeclineLessonResponse>, Status> {
        answer(decline_lesson::handle(&self.incidents, &request).await)
    }
}
