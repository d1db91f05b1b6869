-- A data key that an older key-encryption key wraps is wrapped under the newest when it seals next, as in the other services.
DO $$
BEGIN
  EXECUTE format('GRANT UPDATE (kek_id, wrapped) ON data_key TO %I', 'redress_' || current_schema() || '_app');
END
$$;
