import django.db.models.expressions
from django.db import migrations, models

WORKS = """
UPDATE profiles_suggestion s SET works = least(l.works_count, r.works_count)
  FROM profiles_author l, profiles_author r WHERE l.id = s.left_id AND r.id = s.right_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('profiles', '0002_decisions'),
    ]

    operations = [
        migrations.AddField(
            model_name='suggestion',
            name='works',
            field=models.PositiveIntegerField(default=1, help_text='of the smaller record'),
        ),
        migrations.RunSQL(WORKS, migrations.RunSQL.noop),
        migrations.AddField(
            model_name='suggestion',
            name='usefulness',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.F('probability'), '*', models.F('works')), output_field=models.FloatField()),
        ),
        migrations.AddIndex(
            model_name='suggestion',
            index=models.Index(fields=['-usefulness', 'id'], name='suggestion_most_useful'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('compared_with__isnull', False), ('state', 'weak')), fields=['probability', 'id'], name='assignment_most_doubtful'),
        ),
    ]
