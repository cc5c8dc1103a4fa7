"""What is done between conversations: appointments, inquiries, notices, work orders. Rules here are pure."""
