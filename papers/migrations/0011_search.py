import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models
from pgvector.django import VectorExtension


class Migration(migrations.Migration):

    dependencies = [
        ('papers', '0010_link_institutions'),
    ]

    operations = [
        VectorExtension(),
        # A generated column cannot be altered, so it is made again.
        migrations.RemoveIndex(model_name='paper', name='paper_search'),
        migrations.RemoveField(model_name='paper', name='search'),
        migrations.AddField(
            model_name='paper',
            name='search',
            field=models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title_text', config='english', weight='A'), '||', django.contrib.postgres.search.SearchVector(django.db.models.functions.text.Left('abstract', 20000), config='english', weight='B'), django.contrib.postgres.search.SearchConfig('english')), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='paper',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search'], name='paper_search'),
        ),
        migrations.CreateModel(
            name='PaperEmbedding',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='embedding', serialize=False, to='papers.paper')),
                ('vector', pgvector.django.halfvec.HalfVectorField(dimensions=384, help_text='of length 1')),
                ('digest', models.BinaryField(db_index=True, help_text='of the model, 4 bytes, and of the text that was embedded')),
            ],
            options={
                'indexes': [pgvector.django.indexes.HnswIndex(fields=['vector'], name='paperembedding_near', opclasses=['halfvec_cosine_ops'])],
            },
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION forget_embedding() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                DELETE FROM papers_paperembedding WHERE paper_id = NEW.id;
                RETURN NULL;
            END $$;
            CREATE TRIGGER embedding_forgotten AFTER UPDATE OF title_text, abstract ON papers_paper
                FOR EACH ROW WHEN (OLD.title_text <> NEW.title_text OR OLD.abstract <> NEW.abstract)
                EXECUTE FUNCTION forget_embedding();
            """,
            "DROP TRIGGER embedding_forgotten ON papers_paper; DROP FUNCTION forget_embedding();",
        ),
    ]
